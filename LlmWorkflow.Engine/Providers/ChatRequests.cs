using System.Text.Json;
using Microsoft.Extensions.AI;

namespace LlmWorkflow.Engine.Providers;

/// <summary>A prompt in Microsoft.Extensions.AI's types.</summary>
internal static class ChatRequests
{
    private const int MostNameLetters = 64;

    /// <summary>The options of one call.</summary>
    public static ChatOptions ToChatOptions(this LlmPrompt prompt, int maxTokens)
    {
        var options = new ChatOptions
        {
            ModelId = prompt.Model,
            MaxOutputTokens = maxTokens,
            Temperature = (float?)prompt.Temperature,
            TopP = (float?)prompt.TopP,
            StopSequences = prompt.Stop is { Count: > 0 } stop ? [.. stop] : null,
            Seed = prompt.Seed,
            ResponseFormat = prompt.Format switch
            {
                null => null,
                { Schema: { } schema } => ChatResponseFormat.ForJsonSchema(schema, SchemaName(schema)),
                _ => ChatResponseFormat.Json,
            },
        };
        if (prompt.ProviderOptions is { ValueKind: JsonValueKind.Object } further)
        {
            ProviderOptions.AttachTo(options, further);
        }

        return options;
    }

    // Providers want a name, of these letters. The model reads it too.
    private static string SchemaName(JsonElement schema)
    {
        var title = schema.ValueKind is JsonValueKind.Object && schema.TryGetProperty("title", out var value) && value.ValueKind is JsonValueKind.String
            ? value.GetString()!.Trim()
            : "";
        var name = string.Concat(title.Take(MostNameLetters).Select(letter => char.IsAsciiLetterOrDigit(letter) || letter is '_' or '-' ? letter : '_'));
        return name.Any(char.IsAsciiLetterOrDigit) ? name : "reply";
    }
}
