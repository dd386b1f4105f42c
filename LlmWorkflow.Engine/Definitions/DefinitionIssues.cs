namespace LlmWorkflow.Engine.Definitions;

/// <summary>Collects what is found in one file; each issue gets its line and column.</summary>
internal sealed class DefinitionIssues(JsonPositions positions)
{
    private readonly List<DefinitionIssue> _issues = [];

    /// <summary>All issues in the order of the file.</summary>
    public IReadOnlyList<DefinitionIssue> InFileOrder => [.. _issues.OrderBy(issue => issue.Line).ThenBy(issue => issue.Column)];

    /// <summary>Whether one of them is an error.</summary>
    public bool HasErrors => _issues.Exists(issue => issue.Severity == IssueSeverity.Error);

    /// <summary>Adds an error.</summary>
    public void Error(string code, string pointer, string message, string? suggestion = null) => Add(IssueSeverity.Error, code, pointer, message, suggestion);

    /// <summary>Adds an error about a property's name rather than its value.</summary>
    public void ErrorAtName(string code, string pointer, string message, string? suggestion = null) =>
        Add(IssueSeverity.Error, code, pointer, message, suggestion, true);

    /// <summary>Adds an issue.</summary>
    public void Add(IssueSeverity severity, string code, string pointer, string message, string? suggestion = null, bool atName = false)
    {
        (int line, int column) = positions.Find(pointer, atName);
        _issues.Add(new DefinitionIssue
        {
            Code = code,
            Severity = severity,
            JsonPointer = pointer,
            Line = line,
            Column = column,
            Message = message,
            Suggestion = suggestion,
        });
    }
}
