using System.Text.Json;

namespace LlmWorkflow.Engine.Expressions;

/// <summary>Functions over numbers.</summary>
internal static class NumberFunctions
{
    private const int MaxDigits = 15;

    public static ExpressionValue Number(FunctionArguments arguments)
    {
        if (arguments[0].Kind == JsonValueKind.Number)
        {
            return arguments[0];
        }

        string text = arguments[0].Kind == JsonValueKind.String ? arguments.Text(0) : throw arguments.WrongKind(0, "a string or number");
        return ExpressionNumber.TryParse(text.Trim(), out ExpressionNumber number)
            ? ExpressionValue.Of(number)
            : throw arguments.Fault(0, $"'number' cannot read \"{ExpressionFault.Excerpt(text, 0)}\"");
    }

    public static ExpressionValue Round(FunctionArguments arguments)
    {
        int digits = arguments.Count > 1 ? arguments.Integer(1) : 0;
        return digits is >= 0 and <= MaxDigits
            ? ExpressionValue.Of(arguments.Number(0).Round(digits))
            : throw arguments.Fault(1, $"'round' takes 0 to {MaxDigits} digits, not {digits},");
    }

    public static ExpressionValue Min(FunctionArguments arguments) => Extreme(arguments, -1);

    public static ExpressionValue Max(FunctionArguments arguments) => Extreme(arguments, 1);

    public static ExpressionValue Sum(FunctionArguments arguments)
    {
        ExpressionNumber sum = 0;
        foreach (ExpressionValue item in arguments.List(0).Items)
        {
            sum = item.Kind == JsonValueKind.Number
                ? arguments.Add(sum, item.Number)
                : throw arguments.Fault(0, $"'sum' needs a list of numbers; one item is {item.Kind.Name()},");
        }

        return ExpressionValue.Of(sum);
    }

    private static ExpressionValue Extreme(FunctionArguments arguments, int sign)
    {
        ExpressionValue best = default;
        IEnumerable<ExpressionValue> values = arguments.Count == 1 ? arguments.List(0).Items : Enumerable.Range(0, arguments.Count).Select(i => arguments[i]);
        foreach (ExpressionValue value in values)
        {
            // Compared with itself first, so that a single item of another kind is refused too.
            ExpressionValue other = best.IsMissing ? value : best;
            int order = ExpressionComparison.Compare(value, other)
                ?? throw arguments.Fault(0, $"There is no order of {value.Kind.Name()} and {other.Kind.Name()}; all must be numbers, or all strings,");
            best = best.IsMissing || order * sign > 0 ? value : best;
        }

        return best;
    }
}
