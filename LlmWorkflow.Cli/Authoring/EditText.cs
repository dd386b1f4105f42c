using LlmWorkflow.Cli.Checking;
using LlmWorkflow.Engine.Definitions;

namespace LlmWorkflow.Cli.Authoring;

/// <summary>What an edit session shows, as text.</summary>
internal static class EditText
{
    private const string Reset = "\e[0m";

    /// <summary>The steps as a tree; each list is named as <c>in</c> takes it.</summary>
    public static IEnumerable<string> Tree(StepTree tree) => tree.Lists is [{ Owner: null } root, ..] ? List(root, "") : ["steps (none)"];

    /// <summary>The lines of a diff.</summary>
    public static IEnumerable<string> Diff(IEnumerable<DiffLine> diff, bool color) => diff.Select(line => color ? Colored(line) : line.Text);

    /// <summary>Issues, a line each: <c>file:line:column severity CODE message</c>.</summary>
    public static IEnumerable<string> Issues(EditSession session, IEnumerable<DefinitionIssue> issues) => issues.Select(issue => IssueText.Line(session.Shown, issue));

    /// <summary>How many issues there are.</summary>
    public static string Summary(EditSession session)
    {
        var errors = session.Issues.Count(issue => issue.Severity is IssueSeverity.Error);
        var warnings = session.Issues.Count(issue => issue.Severity is IssueSeverity.Warning);
        return $"{errors} error{(errors == 1 ? "" : "s")}, {warnings} warning{(warnings == 1 ? "" : "s")}";
    }

    private static IEnumerable<string> List(EditedList list, string indent)
    {
        yield return $"{indent}{list.Path}{(list.Steps.Count == 0 ? " (empty)" : "")}";
        foreach (var step in list.Steps)
        {
            yield return $"{indent}  {step.Name}  {(step.Type.Length > 0 ? step.Type : "(no type)")}";
            foreach (var line in step.Lists.SelectMany(inner => List(inner, indent + "    ")))
            {
                yield return line;
            }
        }
    }

    private static string Colored(DiffLine line) => line.Kind switch
    {
        '+' => $"\e[32m{line.Text}{Reset}",
        '-' => $"\e[31m{line.Text}{Reset}",
        '@' => $"\e[36m{line.Text}{Reset}",
        'f' => $"\e[1m{line.Text}{Reset}",
        _ => line.Text,
    };
}
