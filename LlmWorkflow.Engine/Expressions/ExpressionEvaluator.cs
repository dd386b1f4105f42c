using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.Expressions;

/// <summary>
/// Computes the value of an expression. A missing member gives <see cref="JsonValueKind.Undefined"/>; functions and arithmetic hand that on. The same
/// expression over the same scope always gives the same value.
/// </summary>
internal static class ExpressionEvaluator
{
    /// <summary>The value; Undefined when it is missing.</summary>
    /// <exception cref="WorkflowException">An operand or argument has the wrong kind, or a limit is reached; the message names the place.</exception>
    public static JsonElement Evaluate(Expression expression, ExpressionScope scope) =>
        Run(expression, scope, evaluation => evaluation.Evaluate(expression).ToElement());

    /// <summary>The value, where one is needed.</summary>
    /// <exception cref="WorkflowException">As <see cref="Evaluate"/>; or it is missing: then the error names the path and the nearest names that exist.</exception>
    public static JsonElement Require(Expression expression, ExpressionScope scope) =>
        Run(expression, scope, evaluation => Present(expression, evaluation).ToElement());

    /// <summary>The value as text inside other text, where one is needed.</summary>
    /// <exception cref="WorkflowException">As <see cref="Require"/>.</exception>
    public static string RequireText(Expression expression, ExpressionScope scope) =>
        Run(expression, scope, evaluation => Present(expression, evaluation).ToText());

    /// <summary>Whether a condition holds: false for false, null and missing.</summary>
    /// <exception cref="WorkflowException">As <see cref="Evaluate"/>; or its value is neither true nor false.</exception>
    public static bool IsTrue(Expression condition, ExpressionScope scope) => Run(condition, scope, evaluation => evaluation.Holds(condition));

    private static ExpressionValue Present(Expression expression, Evaluation evaluation)
    {
        ExpressionValue value = evaluation.Evaluate(expression);
        return value.IsMissing ? throw new WorkflowException(MissingValue.Explain(expression, evaluation)) : value;
    }

    private static T Run<T>(Expression expression, ExpressionScope scope, Func<Evaluation, T> read)
    {
        Evaluation evaluation = new(expression, scope);
        try
        {
            return read(evaluation);
        }
        catch (InvalidOperationException exception)
        {
            // JSON may escape half of a surrogate pair; the reader only notices when it makes a string of it.
            throw evaluation.Fault(expression, "A string that the expression reads is not valid Unicode", exception);
        }
    }
}
