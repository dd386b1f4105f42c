using System.Text;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.Providers;

/// <summary>
/// The question that shows a model its reply and what is wrong with it. Its wording is part of the request's hash: a change of it makes repairs that were
/// under way at a deploy be bought again.
/// </summary>
internal static class RepairPrompt
{
    private const int MostIssues = 20;

    /// <summary>The request of a repair: the messages of the question, the reply, its issues.</summary>
    public static LlmPrompt Of(LlmPrompt question, string reply, IReadOnlyList<SchemaIssue> issues) => question with
    {
        Messages =
        [
            .. question.Messages,
            // Providers refuse a message without content.
            .. string.IsNullOrWhiteSpace(reply) ? [] : (LlmMessage[])[new LlmMessage("assistant", reply)],
            new LlmMessage("user", Text(question.Format, issues)),
        ],
    };

    private static string Text(LlmJsonFormat? format, IReadOnlyList<SchemaIssue> issues)
    {
        var text = new StringBuilder("Your answer cannot be used as it is:\n");
        foreach (var issue in issues.Take(MostIssues))
        {
            text.Append("- ").Append(issue.Pointer.Length == 0 ? "the answer" : issue.Pointer).Append(' ').Append(issue.Message).Append('\n');
        }

        if (issues.Count > MostIssues)
        {
            text.Append("- and more of the same\n");
        }

        text.Append("\nAnswer again with the whole of it, put right, as JSON alone: no other text, no code fence.");
        if (format?.Schema is { } schema)
        {
            text.Append(" It must fit this JSON Schema:\n").Append(JsonValues.ToJson(schema));
        }

        return text.ToString();
    }
}
