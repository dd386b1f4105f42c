namespace LlmWorkflow.Simulator.Completions;

/// <summary>A reply before it is played: its text spread evenly over its tokens.</summary>
/// <param name="FullText">The text before <c>max_tokens</c>.</param>
/// <param name="FullTokens">Its tokens.</param>
/// <param name="OutputTokens">The tokens that are sent: fewer than all when the limit was reached.</param>
internal sealed record Completion(string FullText, int FullTokens, int OutputTokens)
{
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

        var offset = (int)((long)FullText.Length * token / FullTokens);
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

    public int InputTokens { get; } = TokenEstimate.OfMessages(Messages);
}

/// <summary>The form of the reply: free text, any JSON object, or JSON by a schema.</summary>
internal sealed record ReplyFormat(bool Json, System.Text.Json.JsonElement? Schema)
{
    public static readonly ReplyFormat Text = new(Json: false, Schema: null);
}
