using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.Steps;

/// <summary>Fields that are expressions by nature: <c>when</c>, <c>condition</c>, <c>items</c>.</summary>
internal static class BareExpression
{
    /// <summary>Whether the condition holds.</summary>
    /// <exception cref="WorkflowException">It cannot be evaluated, or gives neither true nor false.</exception>
    public static bool IsTrue(string text, ExpressionScope scope) => ExpressionEvaluator.IsTrue(Parse(text), scope);

    /// <summary>Its value, which must be there.</summary>
    /// <exception cref="WorkflowException">It cannot be evaluated, or something in it is missing.</exception>
    public static JsonElement Require(string text, ExpressionScope scope) => ExpressionEvaluator.Require(Parse(text), scope);

    private static Expression Parse(string text)
    {
        try
        {
            return ExpressionParser.ParseBare(text);
        }
        catch (ExpressionSyntaxException exception)
        {
            throw ExpressionFault.At(exception.Message, exception.Position, text, exception);
        }
    }
}
