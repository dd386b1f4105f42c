using System.Text;
using System.Text.Json;

namespace LlmWorkflow.Engine.Expressions;

/// <summary>Functions that read or make text.</summary>
internal static class TextFunctions
{
    private const int MaxJsonDepth = 64;

    public static ExpressionValue Lower(FunctionArguments arguments) => arguments.Made(arguments.Text(0).ToLowerInvariant());

    public static ExpressionValue Upper(FunctionArguments arguments) => arguments.Made(arguments.Text(0).ToUpperInvariant());

    public static ExpressionValue Trim(FunctionArguments arguments) => arguments.Made(arguments.Text(0).Trim());

    public static ExpressionValue Text(FunctionArguments arguments) => arguments.Made(arguments[0].ToText());

    public static ExpressionValue ToJson(FunctionArguments arguments) => arguments.Made(JsonValues.ToJson(arguments[0].ToElement()));

    public static ExpressionValue Join(FunctionArguments arguments)
    {
        string separator = arguments.Count > 1 ? arguments.Text(1) : ", ";
        StringBuilder text = new();
        bool isFirst = true;
        foreach (ExpressionValue item in arguments.List(0).Items)
        {
            text.Append(isFirst ? "" : separator).Append(item.ToText());
            arguments.ThrowIfTooLarge(text.Length);
            isFirst = false;
        }

        return arguments.Made(text.ToString());
    }

    public static ExpressionValue Split(FunctionArguments arguments)
    {
        string separator = arguments.Text(1);
        return separator.Length == 0
            ? throw arguments.Fault(1, "'split' needs a separator that is not empty")
            : arguments.Made(Parts(arguments.Text(0), separator).Select(ExpressionValue.Of));
    }

    public static ExpressionValue FromJson(FunctionArguments arguments)
    {
        try
        {
            return ExpressionValue.Of(JsonElement.Parse(arguments.Text(0), new JsonDocumentOptions { MaxDepth = MaxJsonDepth }));
        }
        catch (JsonException exception)
        {
            throw arguments.Fault(0, $"'from_json' got no JSON (line {exception.LineNumber + 1}, byte {exception.BytePositionInLine + 1})", exception);
        }
        catch (ArgumentException exception)
        {
            throw arguments.Fault(0, "'from_json' got text that is not valid Unicode", exception);
        }
    }

    public static ExpressionValue Truncate(FunctionArguments arguments)
    {
        string text = arguments.Text(0);
        int length = arguments.Integer(1);
        string ending = arguments.Count > 2 ? arguments.Text(2) : "…";
        if (length < ending.Length)
        {
            throw arguments.Fault(1, $"'truncate' needs a length of at least {ending.Length}, for the ending,");
        }

        return text.Length <= length ? arguments[0] : arguments.Made(text[..Cut(text, length - ending.Length)] + ending);
    }

    public static ExpressionValue UrlEncode(FunctionArguments arguments) => arguments[0].Kind is JsonValueKind.Array or JsonValueKind.Object
        ? throw arguments.WrongKind(0, "a string or number")
        : arguments.Made(Uri.EscapeDataString(arguments[0].ToText()));

    /// <summary>The place to cut a text at, so that no character of two code units is torn apart.</summary>
    public static int Cut(string text, int at) =>
        at > 0 && at < text.Length && char.IsLowSurrogate(text[at]) && char.IsHighSurrogate(text[at - 1]) ? at - 1 : at;

    // One part at a time, so that the limit on items is met before they are all made.
    private static IEnumerable<string> Parts(string text, string separator)
    {
        int from = 0;
        for (int at = text.IndexOf(separator, StringComparison.Ordinal); at >= 0; at = text.IndexOf(separator, from, StringComparison.Ordinal))
        {
            yield return text[from..at];
            from = at + separator.Length;
        }

        yield return text[from..];
    }
}
