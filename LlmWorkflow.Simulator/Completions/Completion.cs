namespace LlmWorkflow.Simulator.Completions;

/// <summary>A reply before it is played: first its reasoning tokens, which carry no text, then its text spread evenly over the others.</summary>
/// <param name="FullText">The text before <c>max_tokens</c>.</param>
/// <param name="FullTokens">All tokens, reasoning included.</param>
/// <param name="OutputTokens">The tokens that are sent: fewer than all when the limit was reached.</param>
internal sealed record Completion(string FullText, int FullTokens, int OutputTokens)
{
    /// <summary>How many of <see cref="FullTokens"/> come before the text.</summary>
    public int ReasoningTokens { get; init; }

    public bool LimitReached => OutputTokens < FullTokens;

    public string Text => Slice(0, OutputTokens);

    /// <summary>The text of the tokens from (inclusive) to (exclusive).</summary>
    public string Slice(int from, int to) => FullText[Offset(from)..Offset(to)];

    private int Offset(int token)
    {
        if (token >= FullTokens)
        {
            return FullText.Length;
        }

        if (token <= ReasoningTokens)
        {
            return 0;
        }

        var offset = (int)((long)FullText.Length * (token - ReasoningTokens) / (FullTokens - ReasoningTokens));
        // A surrogate pair must not be torn between two chunks.
        return offset > 0 && char.IsLowSurrogate(FullText[offset]) ? offset - 1 : offset;
    }
}

/// <summary>What a reply depends on, whatever the upstream's wire format.</summary>
/// <param name="Messages">The text of each message, in order.</param>
/// <param name="MaxTokens">Upper limit of the output, or null.</param>
/// <param name="Format">What the reply must look like.</param>
internal sealed record ChatPrompt(IReadOnlyList<string> Messages, int? MaxTokens, ReplyFormat Format)
{
    /// <summary>All texts, joined by line feeds: what is hashed, matched and composed from.</summary>
    public string Text { get; } = string.Join('\n', Messages);

    /// <summary>All input tokens, cached or not.</summary>
    public int InputTokens { get; } = TokenEstimate.OfMessages(Messages);

    /// <summary>The messages' parts with their cache marks; empty when the caller marked none.</summary>
    public IReadOnlyList<PromptBlock> Blocks { get; init; } = [];

    /// <summary>Tokens of reasoning that the request asks for.</summary>
    public int ReasoningTokens { get; init; }
}

/// <summary>A part of a message, in order.</summary>
/// <param name="Message">Index of its message.</param>
/// <param name="Text">Its text.</param>
/// <param name="Cache">The mark after it; null: none.</param>
internal sealed record PromptBlock(int Message, string Text, CacheLifetime? Cache);

/// <summary>How long a written prefix can be read; each read makes it last anew.</summary>
internal enum CacheLifetime
{
    FiveMinutes,
    OneHour,
}

/// <summary>The form of the reply: free text, any JSON object, or JSON by a schema.</summary>
internal sealed record ReplyFormat(bool Json, System.Text.Json.JsonElement? Schema)
{
    public static readonly ReplyFormat Text = new(Json: false, Schema: null);
}
