using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.Expressions;

/// <summary>Computes the value of an expression. A missing member gives <see cref="JsonValueKind.Undefined"/>, never an exception.</summary>
internal static class ExpressionEvaluator
{
    /// <summary>The value; Undefined when it is missing.</summary>
    public static JsonElement Evaluate(Expression expression, ExpressionScope scope) => expression switch
    {
        LiteralExpression literal => literal.Value,
        NameExpression name => Root(name.Name, scope),
        MemberExpression member => Member(member.Target, member.Name, scope),
        IndexExpression index => Index(index, scope),
        CoalesceExpression coalesce => Coalesce(coalesce, scope),
        _ => throw new ArgumentOutOfRangeException(nameof(expression)),
    };

    /// <summary>The value, where one is needed.</summary>
    /// <exception cref="WorkflowException">It is missing; the error names the path and the nearest names that exist.</exception>
    public static JsonElement Require(Expression expression, ExpressionScope scope)
    {
        JsonElement value = Evaluate(expression, scope);
        return value.ValueKind == JsonValueKind.Undefined ? throw new WorkflowException(MissingValue.Explain(expression, scope)) : value;
    }

    /// <summary>Whether a condition holds: false for false, null and missing; an error for what is neither true nor false.</summary>
    /// <exception cref="WorkflowException">The expression cannot be evaluated, or its value is no condition.</exception>
    public static bool IsTrue(Expression condition, ExpressionScope scope)
    {
        JsonElement value = Evaluate(condition, scope);
        return value.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False or JsonValueKind.Null or JsonValueKind.Undefined => false,
            _ => throw new WorkflowException(new WorkflowError
            {
                Type = ErrorTypes.ExpressionError,
                Category = ErrorCategory.Config,
                Message = $"The condition '{condition}' gives {value.KindName()}, not true or false.",
            }),
        };
    }

    private static JsonElement Root(string name, ExpressionScope scope) => name switch
    {
        "input" => scope.Input,
        "context" => JsonValues.Write(writer =>
        {
            writer.WriteStartObject();
            foreach ((string key, JsonElement value) in scope.Context.Where(entry => entry.Value.ValueKind != JsonValueKind.Undefined))
            {
                writer.WritePropertyName(key);
                value.WriteTo(writer);
            }

            writer.WriteEndObject();
        }),
        _ => scope.Locals.GetValueOrDefault(name),
    };

    private static JsonElement Member(Expression target, string name, ExpressionScope scope)
    {
        switch (target)
        {
            case NameExpression { Name: "context" }:
                return scope.Context.GetValueOrDefault(name);
            case NameExpression { Name: "steps" }:
                return scope.Steps.GetValueOrDefault(name)?.Output ?? default;
            case MemberExpression { Target: NameExpression { Name: "steps" } } step:
                return scope.Steps.GetValueOrDefault(step.Name) is { } value ? StepMember(value, name) : default;
            default:
                return Property(Evaluate(target, scope), name);
        }
    }

    private static JsonElement StepMember(StepValue step, string name) => name switch
    {
        "output" => step.Output,
        "status" => JsonValues.String(step.Status),
        "error" => step.Error,
        "usage" => step.Usage,
        "duration_ms" => JsonValues.Number(step.DurationMs),
        "branch" when step.Branch.ValueKind != JsonValueKind.Undefined => step.Branch,
        _ => Property(step.Output, name),
    };

    private static JsonElement Property(JsonElement target, string name) =>
        target.ValueKind == JsonValueKind.Object && target.TryGetProperty(name, out JsonElement value) ? value : default;

    private static JsonElement Index(IndexExpression expression, ExpressionScope scope)
    {
        JsonElement index = Evaluate(expression.Index, scope);
        if (index.ValueKind == JsonValueKind.String)
        {
            return Member(expression.Target, index.GetString()!, scope);
        }

        JsonElement target = Evaluate(expression.Target, scope);
        return target.ValueKind == JsonValueKind.Array
            && index.ValueKind == JsonValueKind.Number
            && index.TryGetInt32(out int at) && at >= 0 && at < target.GetArrayLength()
            ? target[at]
            : default;
    }

    private static JsonElement Coalesce(CoalesceExpression coalesce, ExpressionScope scope)
    {
        JsonElement left = Evaluate(coalesce.Left, scope);
        return left.IsMissingOrNull() ? Evaluate(coalesce.Right, scope) : left;
    }
}
