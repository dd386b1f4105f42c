using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>Checks the expressions in a definition: their form, and whether the steps and names that they read exist by then.</summary>
internal sealed class ReferenceRules(WorkflowDefinition definition, List<string> stepIds, DefinitionIssues issues)
{
    private static readonly string[] s_context = ["job_id", "workflow_name", "user_id", "username", "action", "attempt", "now"];

    private readonly HashSet<int> _used = [];

    /// <summary>Whether something reads the step.</summary>
    public bool IsUsed(int step) => _used.Contains(step);

    /// <summary>Notes that the step is read.</summary>
    public void MarkUsed(int step) => _used.Add(step);

    /// <summary>Checks every string in a value.</summary>
    /// <param name="value">The value.</param>
    /// <param name="pointer">Where it stands.</param>
    /// <param name="before">Index of the step that it belongs to: only steps before that one can be read.</param>
    public void Check(JsonElement value, string pointer, int before)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.String:
                CheckText(value.GetString()!, pointer, before);
                break;
            case JsonValueKind.Object:
                foreach (JsonProperty property in value.EnumerateObject())
                {
                    Check(property.Value, $"{pointer}/{JsonPositions.Escape(property.Name)}", before);
                }

                break;
            case JsonValueKind.Array:
                int index = 0;
                foreach (JsonElement item in value.EnumerateArray())
                {
                    Check(item, string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{pointer}/{index++}"), before);
                }

                break;
            default:
                break;
        }
    }

    /// <summary>Checks one expression.</summary>
    public void Check(Expression expression, string pointer, int before)
    {
        switch (expression)
        {
            case MemberExpression { Target: NameExpression { Name: "steps" } } step:
                CheckStep(step.Name, pointer, before);
                return;
            case MemberExpression { Target: NameExpression { Name: "context" } } entry:
                string[] names = [.. s_context, .. definition.Variables.Keys];
                if (!names.Contains(entry.Name))
                {
                    issues.Error(
                        IssueCodes.UnknownReference, pointer, $"${{{expression}}}: context has no '{entry.Name}'.", NearestNames.Suggest(entry.Name, names));
                }

                return;
            case NameExpression { Name: "steps" }:
                issues.Error(IssueCodes.UnknownReference, pointer, "'steps' needs the id of a step, as in ${steps.fetch.output}.");
                return;
            case NameExpression root when root.Name is not ("input" or "context"):
                issues.Error(
                    IssueCodes.UnknownReference, pointer, $"There is no '{root.Name}' to read from.", NearestNames.Suggest(root.Name, ["input", "steps", "context"]));
                return;
            default:
                foreach (Expression child in expression.Children)
                {
                    Check(child, pointer, before);
                }

                return;
        }
    }

    private void CheckText(string text, string pointer, int before)
    {
        if (!text.Contains("${", StringComparison.Ordinal))
        {
            return;
        }

        try
        {
            foreach (Expression expression in Template.Parse(text).Expressions)
            {
                Check(expression, pointer, before);
            }
        }
        catch (ExpressionSyntaxException exception)
        {
            issues.Error(IssueCodes.InvalidExpression, pointer, $"{exception.Message} at position {exception.Position + 1}.", "A literal '${' is written '$${'.");
        }
    }

    private void CheckStep(string id, string pointer, int before)
    {
        int at = stepIds.IndexOf(id);
        if (at < 0)
        {
            issues.Error(
                IssueCodes.UnknownReference, pointer, $"There is no step '{id}'.", NearestNames.Suggest(id, [.. stepIds.Where(known => known.Length > 0).Take(before)]));
        }
        else if (at >= before)
        {
            issues.Error(
                IssueCodes.LaterReference,
                pointer,
                at == before ? $"Step '{id}' reads its own output." : $"Step '{id}' runs only after this one.",
                "Steps run in the order of the file; read only from earlier ones.");
        }

        _used.Add(at);
    }
}
