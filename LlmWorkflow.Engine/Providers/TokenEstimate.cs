using System.Text;
using System.Text.Json;
using LlmWorkflow.Engine.Costs;

namespace LlmWorkflow.Engine.Providers;

/// <summary>Token counts where the provider's own are not known (yet).</summary>
internal static class TokenEstimate
{
    /// <summary>The method, as written into a call's metadata.</summary>
    public const string Method = "4 characters per token";

    private const int CharactersPerToken = 4;

    // Role and separators of one message in the chat formats of the large providers, rounded up.
    private const int TokensPerMessage = 8;

    // What providers and this service say around a schema, rounded up.
    private const int TokensOfFormat = 300;

    /// <summary>About as many tokens as a text of this length has.</summary>
    public static long OfLength(long characters) => (characters + CharactersPerToken - 1) / CharactersPerToken;

    /// <summary>About as many tokens as the messages have.</summary>
    public static long Input(IReadOnlyList<LlmMessage> messages) => messages.Sum(message => OfLength(message.Content.Length));

    /// <summary>Never fewer tokens than the messages have: no tokenizer in use makes more than one token of a byte.</summary>
    public static long InputUpperBound(IReadOnlyList<LlmMessage> messages) =>
        messages.Sum(message => (long)Encoding.UTF8.GetByteCount(message.Content) + TokensPerMessage);

    /// <summary>Never fewer tokens than a JSON format adds: it goes into the prompt, with words about it.</summary>
    /// <param name="isJson">The reply is to be JSON.</param>
    /// <param name="schema">Its schema; Undefined: any JSON.</param>
    public static long FormatUpperBound(bool isJson, JsonElement schema) =>
        !isJson ? 0 : TokensOfFormat + (schema.ValueKind is JsonValueKind.Undefined ? 0 : Encoding.UTF8.GetByteCount(schema.GetRawText()));

    /// <summary>What a call probably uses: its input, and half of what it may answer.</summary>
    public static TokenUsage Expected(IReadOnlyList<LlmMessage> messages, int maxTokens) =>
        new() { InputTokens = Input(messages), OutputTokens = maxTokens / 2, Estimated = true };
}
