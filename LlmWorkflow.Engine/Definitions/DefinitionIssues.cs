namespace LlmWorkflow.Engine.Definitions;

/// <summary>Collects what is found in one file; each issue gets its line and column.</summary>
internal sealed class DefinitionIssues(JsonPositions positions)
{
    // A file full of faults is as broken with the first hundreds of them.
    private const int Most = 200;

    private readonly List<DefinitionIssue> _issues = [];

    /// <summary>All issues in the order of the file; those of one place in the order in which they were found.</summary>
    public IReadOnlyList<DefinitionIssue> InFileOrder => [.. _issues.OrderBy(issue => issue.Line).ThenBy(issue => issue.Column)];

    /// <summary>How many there are.</summary>
    public int Count => _issues.Count;

    /// <summary>Whether no more are noted.</summary>
    public bool IsFull => _issues.Count >= Most;

    /// <summary>Whether one of them, noted or not, is an error.</summary>
    public bool HasErrors { get; private set; }

    /// <summary>Adds an error.</summary>
    public void Error(string code, JsonPlace place, string message, string? suggestion = null) => Add(IssueSeverity.Error, code, place, message, suggestion);

    /// <summary>Adds an error about a property's name rather than its value.</summary>
    public void ErrorAtName(string code, JsonPlace place, string message, string? suggestion = null) =>
        Add(IssueSeverity.Error, code, place, () => positions.Find(place, true), message, suggestion);

    /// <summary>Adds an error about a character of a string; with a negative index, about the whole string.</summary>
    public void ErrorInText(string code, JsonPlace place, int index, string message, string? suggestion = null) =>
        Add(IssueSeverity.Error, code, place, () => index < 0 ? positions.Find(place) : positions.FindInText(place, index), message, suggestion);

    /// <summary>Adds an issue.</summary>
    public void Add(IssueSeverity severity, string code, JsonPlace place, string message, string? suggestion = null) =>
        Add(severity, code, place, () => positions.Find(place), message, suggestion);

    /// <summary>Adds an error for each property that stands twice in its object.</summary>
    public void AddDuplicates()
    {
        foreach ((JsonPlace place, int line, int column) in positions.Duplicates)
        {
            Add(IssueSeverity.Error, IssueCodes.DuplicateProperty, place, () => (line, column), $"{place.Label} stands here twice.", "Remove one of them.");
        }
    }

    private void Add(IssueSeverity severity, string code, JsonPlace place, Func<(int Line, int Column)> locate, string message, string? suggestion)
    {
        HasErrors |= severity == IssueSeverity.Error;
        if (IsFull)
        {
            return;
        }

        (int line, int column) = locate();
        _issues.Add(new DefinitionIssue
        {
            Code = code,
            Severity = severity,
            JsonPointer = place.Pointer,
            Line = line,
            Column = column,
            Message = message,
            Suggestion = suggestion,
        });
    }
}
