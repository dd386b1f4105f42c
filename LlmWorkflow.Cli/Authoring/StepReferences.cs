using System.Text;
using System.Text.Json;
using LlmWorkflow.Cli.Authoring.Text;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Definitions.Language;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Cli.Authoring;

/// <summary>Finds <c>steps.ID</c> in the expressions of a definition and gives it another id.</summary>
internal static class StepReferences
{
    /// <summary>The strings that change.</summary>
    /// <param name="source">The definition.</param>
    /// <param name="old">The id now.</param>
    /// <param name="renamed">The id then.</param>
    /// <returns>Each string of the definition with its new value, in the order of the file. An expression that cannot be read is left alone.</returns>
    public static IReadOnlyList<(JsonSpan Span, string Value)> Find(JsonSource source, string old, string renamed)
    {
        var utf8 = Encoding.UTF8.GetBytes(source.Text);
        ShapeCheck shapes = new(new DefinitionIssues(new JsonPositions(utf8)));
        shapes.Check(JsonElement.Parse(utf8), WorkflowShapes.Workflow, JsonPlace.Root, null);
        List<(JsonSpan, string)> changes = [];
        foreach (var used in shapes.Outline.Texts)
        {
            if (Rename(used.Text, used.Use, old, renamed) is { } value && value != used.Text)
            {
                changes.Add((Span(source.Root, used.Place), value));
            }
        }

        return [.. changes.DistinctBy(change => change.Item1).OrderBy(change => change.Item1.Start)];
    }

    private static JsonSpan Span(JsonSpan root, JsonPlace place) => place.Path().Aggregate(root, (at, part) =>
        part.IsItem ? at.Children[int.Parse(part.Name, System.Globalization.CultureInfo.InvariantCulture)] : at.Member(part.Name)!);

    private static string? Rename(string text, TextUse use, string old, string renamed)
    {
        try
        {
            var isBare = use is TextUse.Expression or TextUse.Condition or TextUse.Key or TextUse.ItemExpression or TextUse.ItemCondition;
            // Where the whole is one ${…}, the parser counts from its first character that is no space.
            var skipped = isBare && text.AsSpan().TrimStart().StartsWith("${") ? text.Length - text.AsSpan().TrimStart().Length : 0;
            var expressions = isBare ? [ExpressionParser.ParseBare(text)] : use is TextUse.PromptFile or TextUse.Plain ? [] : Template.Parse(text).Expressions;
            StringBuilder changed = new(text);
            foreach (var at in expressions.SelectMany(expression => Positions(expression, old)).Select(position => position + skipped).OrderDescending())
            {
                // Written as steps.ID or steps["ID"].
                var start = text[at] is '"' or '\'' ? at + 1 : at;
                if (text.AsSpan(start).StartsWith(old))
                {
                    changed.Remove(start, old.Length).Insert(start, renamed);
                }
            }

            return changed.ToString();
        }
        catch (ExpressionSyntaxException)
        {
            return null;
        }
    }

    private static IEnumerable<int> Positions(Expression expression, string id)
    {
        var own = expression is MemberExpression { Target: NameExpression { Name: "steps" } } member && member.Name == id ? [member.Position] : Enumerable.Empty<int>();
        return own.Concat(expression.Children.SelectMany(child => Positions(child, id)));
    }
}
