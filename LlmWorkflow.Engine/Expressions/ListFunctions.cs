using System.Text.Json;

namespace LlmWorkflow.Engine.Expressions;

/// <summary>Functions over lists and objects.</summary>
internal static class ListFunctions
{
    public static ExpressionValue Length(FunctionArguments arguments) => arguments[0].Kind is JsonValueKind.String or JsonValueKind.Array or JsonValueKind.Object
        ? ExpressionValue.Of((ExpressionNumber)arguments[0].Count)
        : throw arguments.WrongKind(0, "a string, array or object");

    public static ExpressionValue Keys(FunctionArguments arguments) =>
        arguments.Made(arguments.Object(0).Json.EnumerateObject().Select(member => ExpressionValue.Of(member.Name)));

    public static ExpressionValue Values(FunctionArguments arguments) =>
        arguments.Made(arguments.Object(0).Json.EnumerateObject().Select(member => ExpressionValue.Of(member.Value)));

    public static ExpressionValue First(FunctionArguments arguments) => arguments.List(0) is { Count: > 0 } list ? list.ItemAt(0) : default;

    public static ExpressionValue Last(FunctionArguments arguments) => arguments.List(0) is { Count: > 0 } list ? list.ItemAt(list.Count - 1) : default;

    public static ExpressionValue Slice(FunctionArguments arguments)
    {
        ExpressionValue value = arguments[0];
        if (value.Kind is not (JsonValueKind.String or JsonValueKind.Array))
        {
            throw arguments.WrongKind(0, "a string or array");
        }

        int count = value.Count;
        int start = Place(arguments.Integer(1), count);
        int end = Math.Max(start, arguments.Count > 2 ? Place(arguments.Integer(2), count) : count);
        return value.Kind == JsonValueKind.String
            ? arguments.Made(value.Text[TextFunctions.Cut(value.Text, start)..TextFunctions.Cut(value.Text, end)])
            : arguments.Made(value.Items.Skip(start).Take(end - start));
    }

    private static int Place(int position, int count) => (int)Math.Clamp(position < 0 ? (long)position + count : position, 0, count);
}
