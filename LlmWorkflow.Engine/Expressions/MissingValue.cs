using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.Expressions;

/// <summary>Says where a path leaves what exists. Walks the expression a second time, so that evaluation keeps no trail.</summary>
internal static class MissingValue
{
    private static readonly string[] s_stepNames = ["output", "status", "error", "usage", "duration_ms"];

    // Looking for the nearest of very many names would take longer than the evaluation.
    private const int MaxNames = 1000;

    /// <summary>The error for an expression whose value is missing.</summary>
    /// <param name="expression">The expression.</param>
    /// <param name="evaluation">Its evaluation: the second walk counts as its work.</param>
    public static WorkflowError Explain(Expression expression, Evaluation evaluation)
    {
        Expression culprit = FirstMissing(expression, evaluation);
        (string reason, string? suggestion) = Reason(culprit, evaluation);
        return new WorkflowError
        {
            Type = ErrorTypes.ExpressionError,
            Category = RootName(culprit) == "input" ? ErrorCategory.User : ErrorCategory.Config,
            Message = $"${{{ExpressionFault.Excerpt(expression.ToString(), 0)}}} has no value: {reason}.{(suggestion is null ? "" : " " + suggestion)}",
            Details = new ErrorDetails { Suggestions = suggestion is null ? [] : [suggestion] },
        };
    }

    /// <summary>The innermost part that is missing, and makes the whole missing.</summary>
    private static Expression FirstMissing(Expression expression, Evaluation evaluation)
    {
        switch (expression)
        {
            case CoalesceExpression coalesce:
                return FirstMissing(coalesce.Right, evaluation);
            case ConditionalExpression conditional:
                return FirstMissing(evaluation.Holds(conditional.Condition) ? conditional.WhenTrue : conditional.WhenFalse, evaluation);
            case CallExpression { Name: "coalesce" } call:
                return FirstMissing(call.Arguments[^1], evaluation);
            case MemberExpression { Target: NameExpression { Name: "steps" or "context" } }:
                return expression;
            case MemberExpression member:
                return Deeper(member.Target, expression, evaluation);
            case IndexExpression index when IsMissing(index.Index, evaluation):
                return FirstMissing(index.Index, evaluation);
            case IndexExpression index:
                return Deeper(index.Target, expression, evaluation);
            default:
                return expression.Children.FirstOrDefault(child => IsMissing(child, evaluation)) is { } part ? FirstMissing(part, evaluation) : expression;
        }
    }

    private static Expression Deeper(Expression target, Expression expression, Evaluation evaluation)
    {
        // A step without an output exists all the same: what is missing is the member behind it.
        bool stepExists = target is MemberExpression { Target: NameExpression { Name: "steps" } } step && evaluation.Scope.Steps.ContainsKey(step.Name);
        return !stepExists && IsMissing(target, evaluation) ? FirstMissing(target, evaluation) : expression;
    }

    private static bool IsMissing(Expression expression, Evaluation evaluation) => evaluation.Evaluate(expression).IsMissing;

    private static (string Reason, string? Suggestion) Reason(Expression culprit, Evaluation evaluation)
    {
        ExpressionScope scope = evaluation.Scope;
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
                return Absent(member.Target, member.Name, evaluation);
            case IndexExpression index:
                ExpressionValue at = evaluation.Evaluate(index.Index);
                return at.Kind == JsonValueKind.String ? Absent(index.Target, at.Text, evaluation) : AbsentItem(index.Target, at, evaluation);
            case CallExpression { Name: "now" }:
                return ("context has no 'now'", null);
            case CallExpression:
                return ($"'{culprit}' has no items to choose from", null);
            default:
                return ($"'{culprit}' is missing", null);
        }
    }

    private static (string Reason, string? Suggestion) Absent(Expression target, string name, Evaluation evaluation)
    {
        ExpressionValue value = evaluation.Evaluate(target);
        bool isStep = target is MemberExpression { Target: NameExpression { Name: "steps" } };
        IEnumerable<string> names = value.Kind == JsonValueKind.Object ? value.Json.EnumerateObject().Select(property => property.Name) : [];
        return value.Kind switch
        {
            JsonValueKind.Object => ($"'{target}' has no '{name}'", NearestNames.Suggest(name, [.. names.Take(MaxNames), .. isStep ? s_stepNames : []])),
            JsonValueKind.Undefined => ($"'{target}' has no '{name}'", isStep ? NearestNames.Suggest(name, s_stepNames) : null),
            _ => ($"'{target}' is {value.Kind.Name()} and has no '{name}'", null),
        };
    }

    private static (string Reason, string? Suggestion) AbsentItem(Expression target, in ExpressionValue at, Evaluation evaluation)
    {
        ExpressionValue value = evaluation.Evaluate(target);
        return (value.Kind, at.Kind) switch
        {
            (JsonValueKind.Array, JsonValueKind.Number) => ($"'{target}' has {value.Count} items and none at {at.ToText()}", null),
            (JsonValueKind.Array, _) => ($"'{target}' is an array, and {at.Kind.Name()} is no index", null),
            _ => ($"'{target}' is {value.Kind.Name()}, not an array", null),
        };
    }

    private static string? RootName(Expression expression) => expression switch
    {
        NameExpression name => name.Name,
        MemberExpression member => RootName(member.Target),
        IndexExpression index => RootName(index.Target),
        CallExpression { Arguments: [{ } first, ..] } => RootName(first),
        _ => null,
    };
}
