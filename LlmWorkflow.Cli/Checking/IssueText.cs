using System.Globalization;
using System.Text.Json;
using LlmWorkflow.Engine.Definitions;

namespace LlmWorkflow.Cli.Checking;

/// <summary>Issues as text and JSON.</summary>
internal static class IssueText
{
    /// <summary><c>file:line:column severity CODE message</c>, on one line.</summary>
    public static string Line(string file, DefinitionIssue issue) => string.Create(
        CultureInfo.InvariantCulture,
        $"{file}:{issue.Line}:{issue.Column} {Severity(issue)} {issue.Code} {string.Join(' ', issue.Message, issue.Suggestion).TrimEnd().ReplaceLineEndings(" ")}");

    /// <summary>As written.</summary>
    public static string Severity(DefinitionIssue issue) => issue.Severity switch
    {
        IssueSeverity.Error => "error",
        IssueSeverity.Warning => "warning",
        _ => "info",
    };

    /// <summary>An issue as an object.</summary>
    public static void Write(Utf8JsonWriter writer, DefinitionIssue issue)
    {
        writer.WriteStartObject();
        writer.WriteString("severity", Severity(issue));
        writer.WriteString("code", issue.Code);
        writer.WriteString("pointer", issue.JsonPointer);
        writer.WriteNumber("line", issue.Line);
        writer.WriteNumber("column", issue.Column);
        writer.WriteString("message", issue.Message);
        writer.WriteString("suggestion", issue.Suggestion);
        writer.WriteEndObject();
    }
}
