using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.Expressions;

/// <summary>Says where a path leaves what exists. Walks the expression a second time, so that evaluation keeps no trail.</summary>
internal static class MissingValue
{
    private static readonly string[] s_stepNames = ["output", "status", "error", "usage", "duration_ms"];

    public static WorkflowError Explain(Expression expression, ExpressionScope scope)
    {
        Expression culprit = FirstMissing(expression, scope);
        (string reason, string? suggestion) = Reason(culprit, scope);
        return new WorkflowError
        {
            Type = ErrorTypes.ExpressionError,
            Category = RootName(culprit) == "input" ? ErrorCategory.User : ErrorCategory.Config,
            Message = $"${{{expression}}} has no value: {reason}.{(suggestion is null ? "" : " " + suggestion)}",
            Details = new ErrorDetails { Suggestions = suggestion is null ? [] : [suggestion] },
        };
    }

    private static Expression FirstMissing(Expression expression, ExpressionScope scope) => expression switch
    {
        CoalesceExpression coalesce => FirstMissing(coalesce.Right, scope),
        MemberExpression { Target: NameExpression { Name: "steps" or "context" } } => expression,
        MemberExpression member => Deeper(member.Target, expression, scope),
        IndexExpression index when IsMissing(index.Index, scope) => FirstMissing(index.Index, scope),
        IndexExpression index => Deeper(index.Target, expression, scope),
        _ => expression,
    };

    private static Expression Deeper(Expression target, Expression expression, ExpressionScope scope)
    {
        // A step without an output exists all the same: what is missing is the member behind it.
        bool stepExists = target is MemberExpression { Target: NameExpression { Name: "steps" } } step && scope.Steps.ContainsKey(step.Name);
        return !stepExists && IsMissing(target, scope) ? FirstMissing(target, scope) : expression;
    }

    private static bool IsMissing(Expression expression, ExpressionScope scope) =>
        ExpressionEvaluator.Evaluate(expression, scope).ValueKind == JsonValueKind.Undefined;

    private static (string Reason, string? Suggestion) Reason(Expression culprit, ExpressionScope scope)
    {
        switch (culprit)
        {
            case NameExpression { Name: "steps" }:
                return ("'steps' needs the id of a step", null);
            case NameExpression root:
                return ($"there is no '{root.Name}'", NearestNames.Suggest(root.Name, ["input", "steps", "context", .. scope.Locals.Keys]));
            case MemberExpression { Target: NameExpression { Name: "steps" } } step:
                return scope.Steps.ContainsKey(step.Name)
                    ? ($"step '{step.Name}' has no output", null)
                    : ($"no finished step is called '{step.Name}'", NearestNames.Suggest(step.Name, [.. scope.Steps.Keys]));
            case MemberExpression { Target: NameExpression { Name: "context" } } entry:
                return ($"context has no '{entry.Name}'", NearestNames.Suggest(entry.Name, [.. scope.Context.Keys]));
            case MemberExpression member:
                return Absent(member.Target, member.Name, scope);
            case IndexExpression index:
                JsonElement at = ExpressionEvaluator.Evaluate(index.Index, scope);
                return at.ValueKind == JsonValueKind.String
                    ? Absent(index.Target, at.GetString()!, scope)
                    : AbsentItem(index.Target, at, scope);
            default:
                return ($"'{culprit}' is missing", null);
        }
    }

    private static (string Reason, string? Suggestion) Absent(Expression target, string name, ExpressionScope scope)
    {
        JsonElement value = ExpressionEvaluator.Evaluate(target, scope);
        bool isStep = target is MemberExpression { Target: NameExpression { Name: "steps" } };
        IEnumerable<string> names = value.ValueKind == JsonValueKind.Object ? value.EnumerateObject().Select(property => property.Name) : [];
        return value.ValueKind switch
        {
            JsonValueKind.Object => ($"'{target}' has no '{name}'", NearestNames.Suggest(name, [.. names, .. isStep ? s_stepNames : []])),
            JsonValueKind.Undefined => ($"'{target}' has no '{name}'", isStep ? NearestNames.Suggest(name, s_stepNames) : null),
            _ => ($"'{target}' is {value.KindName()} and has no '{name}'", null),
        };
    }

    private static (string Reason, string? Suggestion) AbsentItem(Expression target, JsonElement at, ExpressionScope scope)
    {
        JsonElement value = ExpressionEvaluator.Evaluate(target, scope);
        return value.ValueKind == JsonValueKind.Array
            ? ($"'{target}' has {value.GetArrayLength()} items and none at {JsonValues.ToText(at)}", null)
            : ($"'{target}' is {value.KindName()}, not an array", null);
    }

    private static string? RootName(Expression expression) => expression switch
    {
        NameExpression name => name.Name,
        MemberExpression member => RootName(member.Target),
        IndexExpression index => RootName(index.Target),
        _ => null,
    };
}
