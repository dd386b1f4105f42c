using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.Expressions;

/// <summary>What a function was called with: values, none of them missing, and ways to say what is wrong with them.</summary>
internal readonly struct FunctionArguments(Evaluation evaluation, CallExpression call, ExpressionValue[] values)
{
    public int Count => values.Length;

    public ExpressionValue this[int index] => values[index];

    /// <summary>A string.</summary>
    public string Text(int index) => Of(index, JsonValueKind.String).Text;

    /// <summary>A number.</summary>
    public ExpressionNumber Number(int index) => Of(index, JsonValueKind.Number).Number;

    /// <summary>A whole number.</summary>
    public int Integer(int index) => Number(index).ToInteger() ?? throw Fault(index, $"'{call.Name}' needs a whole number here, not {values[index].ToText()},");

    /// <summary>A list.</summary>
    public ExpressionValue List(int index) => Of(index, JsonValueKind.Array);

    /// <summary>An object.</summary>
    public ExpressionValue Object(int index) => Of(index, JsonValueKind.Object);

    /// <summary>A string that the function made.</summary>
    public ExpressionValue Made(string text) => evaluation.Made(text, call);

    /// <summary>A list that the function made.</summary>
    public ExpressionValue Made(IEnumerable<ExpressionValue> items) => evaluation.Made(items, call);

    /// <summary>Refuses what would be too large, before it is made.</summary>
    public void ThrowIfTooLarge(long size) => evaluation.ThrowIfTooLarge(size, call);

    /// <summary>The sum of two numbers.</summary>
    public ExpressionNumber Add(ExpressionNumber left, ExpressionNumber right) =>
        ExpressionNumber.Calculate(BinaryOperator.Add, left, right) ?? throw Fault(0, "The sum is too large a number");

    /// <summary>An error at an argument.</summary>
    public WorkflowException Fault(int index, string problem, Exception? inner = null) => evaluation.Fault(call.Arguments[index], problem, inner);

    /// <summary>An error at an argument of the wrong kind.</summary>
    public WorkflowException WrongKind(int index, string wanted) => Fault(index, $"'{call.Name}' needs {wanted}, not {values[index].Kind.Name()},");

    private ExpressionValue Of(int index, JsonValueKind kind) => values[index].Kind == kind ? values[index] : throw WrongKind(index, kind.Name());
}
