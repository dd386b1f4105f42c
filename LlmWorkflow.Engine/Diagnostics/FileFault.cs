namespace LlmWorkflow.Engine.Diagnostics;

/// <summary>What kind of thing is wrong in a file of the workflows folder.</summary>
internal enum FileFaultKind
{
    UnknownProperty,

    MissingProperty,

    InvalidValue,

    InvalidName,

    NameMismatch,

    InvalidExpression,

    UnknownReference,

    UnknownParameter,

    InvalidSchema,

    ConflictingProperties,
}

/// <summary>One thing that is wrong in a file.</summary>
/// <param name="Path">Property names and indexes from the root.</param>
/// <param name="Kind">What kind.</param>
/// <param name="Problem">Goes on after the name of the place: <c>is missing</c>.</param>
/// <param name="Suggestion">What to do; null when the problem says all.</param>
internal sealed record FileFault(IReadOnlyList<string> Path, FileFaultKind Kind, string Problem, string? Suggestion = null)
{
    /// <summary>Index of the character that it is about, in the text there; null: the whole.</summary>
    public int? Index { get; init; }

    /// <summary>JSON pointer (RFC 6901).</summary>
    public string Pointer => string.Concat(Path.Select(part => "/" + part.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal)));

    /// <summary>Place, problem and suggestion as one sentence.</summary>
    public override string ToString() => $"{(Path.Count == 0 ? "the file" : $"'{Path[^1]}' (at {Pointer})")} {string.Join(". ", new[] { Problem, Suggestion }.OfType<string>()).TrimEnd('.', ' ')}.";
}
