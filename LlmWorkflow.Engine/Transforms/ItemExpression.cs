using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.Transforms;

/// <summary>A parameter that is an expression of <c>item</c> and <c>index</c>.</summary>
internal sealed class ItemExpression
{
    private readonly TransformCall _call;
    private readonly string _name;
    private readonly Expression _expression;

    private ItemExpression(TransformCall call, string name, Expression expression)
    {
        _call = call;
        _name = name;
        _expression = expression;
    }

    /// <summary>Parses a parameter; null when it is not given.</summary>
    /// <exception cref="WorkflowException">It is no expression.</exception>
    public static ItemExpression? Read(TransformCall call, string name) =>
        call.Parameter(name) is var value && value.IsMissingOrNull() ? null : Read(call, name, value);

    /// <summary>Parses an expression.</summary>
    /// <exception cref="WorkflowException">It is none.</exception>
    public static ItemExpression Read(TransformCall call, string name, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.String)
        {
            throw call.Fault($"'{name}' must be an expression in a string", value);
        }

        try
        {
            return new ItemExpression(call, name, ExpressionParser.ParseBare(value.GetString()!));
        }
        catch (ExpressionSyntaxException exception)
        {
            throw call.Fault($"'{name}' is no expression ({exception.Message} at position {exception.Position + 1})", value);
        }
    }

    /// <summary>The scope in which an item is <c>item</c>.</summary>
    public static ExpressionScope ScopeOf(TransformCall call, JsonElement item, int index) =>
        call.Scope.With(new("item", item), new("index", JsonValues.Number(index)));

    /// <summary>Its value for an item; Undefined when it is missing.</summary>
    public JsonElement Evaluate(JsonElement item, int index) => Guard(item, index, ExpressionEvaluator.Evaluate);

    /// <summary>Its value for an item, which must not be missing.</summary>
    public JsonElement Require(JsonElement item, int index) => Guard(item, index, ExpressionEvaluator.Require);

    /// <summary>Whether it holds for an item.</summary>
    public bool IsTrue(JsonElement item, int index) => Guard(item, index, ExpressionEvaluator.IsTrue);

    private T Guard<T>(JsonElement item, int index, Func<Expression, ExpressionScope, T> evaluate)
    {
        try
        {
            return evaluate(_expression, ScopeOf(_call, item, index));
        }
        catch (WorkflowException exception)
        {
            throw _call.Fault($"'{_name}' does not work on item {index}: {exception.Message.TrimEnd('.')}", item, exception);
        }
    }
}
