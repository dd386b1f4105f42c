namespace LlmWorkflow.Engine.Costs;

/// <summary>What kind of thing is wrong in a price book.</summary>
internal enum PriceFaultKind
{
    UnknownProperty,

    MissingProperty,

    InvalidValue,
}

/// <summary>One thing that is wrong in a price book.</summary>
/// <param name="Path">Property names and indexes from the root.</param>
/// <param name="Kind">What kind.</param>
/// <param name="Problem">Goes on after the name of the place: <c>is missing</c>.</param>
/// <param name="Suggestion">What to do; null when the problem says all.</param>
internal sealed record PriceFault(IReadOnlyList<string> Path, PriceFaultKind Kind, string Problem, string? Suggestion = null)
{
    /// <summary>JSON pointer (RFC 6901).</summary>
    public string Pointer => string.Concat(Path.Select(part => "/" + part.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal)));
}
