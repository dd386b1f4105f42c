namespace LlmWorkflow.Simulator.Control;

/// <summary>
/// One entry of <c>PUT /_control/behavior</c>: how matching upstream calls are answered. A field that is null says nothing;
/// of several matching entries the later one wins, field by field.
/// </summary>
internal sealed record Behavior
{
    /// <summary>Milliseconds until the first token (until the reply, for upstreams without tokens; until the error, if one is sent).</summary>
    public double? LatencyMs { get; init; }

    /// <summary>Pace of the tokens after the first.</summary>
    public double? TokensPerSecond { get; init; }

    /// <summary>Exact length of the reply in tokens, unless the request's <c>max_tokens</c> is lower.</summary>
    public int? OutputTokens { get; init; }

    /// <summary>
    /// 400 to 599: calls are answered with this status. 200: the error arrives under HTTP 200, in the body, or in a stream
    /// as an event after <see cref="CutAfterTokens"/> tokens (default 0).
    /// </summary>
    public int? ErrorStatus { get; init; }

    /// <summary>Share of the calls, 0 to 1, that get the error; 1 when only a status is given. Alone it means status 500.</summary>
    public double? ErrorRate { get; init; }

    /// <summary>Seconds, sent as <c>retry-after</c> with an error.</summary>
    public double? RetryAfter { get; init; }

    /// <summary>Calls over this many in the last 60 s get 429; counted for all calls that match this entry.</summary>
    public int? RequestsPerMinute { get; init; }

    /// <summary>The connection is cut when this many tokens were sent; a reply that is shorter ends normally.</summary>
    public int? CutAfterTokens { get; init; }

    /// <summary>Fixed text of the reply.</summary>
    public string? Reply { get; init; }

    public BehaviorMatch? Match { get; init; }
}

/// <summary>Which calls an entry is for; a field that is null matches every call.</summary>
internal sealed record BehaviorMatch
{
    /// <summary>Part of the request's path; <c>*</c> stands for anything.</summary>
    public string? Path { get; init; }

    /// <summary>The requested model, with or without the vendor before the slash; <c>*</c> stands for anything.</summary>
    public string? Model { get; init; }

    /// <summary>Part of the prompt (of the request's body, for upstreams without prompts). Case counts.</summary>
    public string? Text { get; init; }

    public bool Matches(string path, string? model, string text) =>
        (Path is null || Wildcard.Matches($"*{Path}*", path))
        && (Model is null || (model is not null && MatchesModel(Model, model)))
        && (Text is null || text.Contains(Text, StringComparison.Ordinal));

    private static bool MatchesModel(string pattern, string model) =>
        Wildcard.Matches(pattern, model) || Wildcard.Matches(pattern, model[(model.IndexOf('/', StringComparison.Ordinal) + 1)..]);
}

/// <summary>A refused control request: RFC 9457, with every fault in <c>errors</c>.</summary>
internal sealed record ControlProblem(string Type, string Title, int Status, string Detail, IReadOnlyList<string> Errors)
{
    public static ControlProblem Of(IReadOnlyList<string> errors) =>
        new("about:blank", "The request is not valid.", StatusCodes.Status400BadRequest, string.Join(' ', errors), errors);
}
