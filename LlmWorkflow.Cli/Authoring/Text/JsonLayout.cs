using System.Text.Encodings.Web;
using System.Text.Json;

namespace LlmWorkflow.Cli.Authoring.Text;

/// <summary>How new JSON is written: what is short on one line, the rest indented.</summary>
internal static class JsonLayout
{
    // Characters of a value that still stands on one line.
    private const int MaxInline = 100;

    /// <summary>A value.</summary>
    /// <param name="value">What to write.</param>
    /// <param name="indent">Indentation of the line on which it starts.</param>
    /// <param name="unit">One more level.</param>
    /// <param name="newLine">Ends lines.</param>
    /// <param name="expand">Keeps an object off one line, however short.</param>
    public static string Render(JsonElement value, string indent, string unit, string newLine, bool expand = false)
    {
        if (!IsFilled(value) || (!expand && IsFlat(value) && Inline(value).Length <= MaxInline))
        {
            return Inline(value);
        }

        var inner = indent + unit;
        var parts = value.ValueKind is JsonValueKind.Object
            ? value.EnumerateObject().Select(member => $"{Text(member.Name)}: {Render(member.Value, inner, unit, newLine)}")
            : value.EnumerateArray().Select(item => Render(item, inner, unit, newLine));
        var (open, close) = value.ValueKind is JsonValueKind.Object ? ('{', '}') : ('[', ']');
        return $"{open}{newLine}{inner}{string.Join($",{newLine}{inner}", parts)}{newLine}{indent}{close}";
    }

    /// <summary>A value on one line.</summary>
    public static string Inline(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => Text(value.GetString()!),
        JsonValueKind.Object when IsFilled(value) => $"{{ {string.Join(", ", value.EnumerateObject().Select(member => $"{Text(member.Name)}: {Inline(member.Value)}"))} }}",
        JsonValueKind.Object => "{}",
        JsonValueKind.Array => $"[{string.Join(", ", value.EnumerateArray().Select(Inline))}]",
        _ => value.GetRawText(),
    };

    /// <summary>A string with quotes, escaped only where it must be.</summary>
    public static string Text(string value) => $"\"{JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(value)}\"";

    private static bool IsFilled(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => value.GetPropertyCount() > 0,
        JsonValueKind.Array => value.GetArrayLength() > 0,
        _ => false,
    };

    // Objects in objects, and steps in lists, read badly on one line.
    private static bool IsFlat(JsonElement value) => value.ValueKind is JsonValueKind.Object
        ? value.EnumerateObject().All(member => member.Value.ValueKind is not JsonValueKind.Object && IsPlain(member.Value))
        : IsPlain(value);

    private static bool IsPlain(JsonElement value) =>
        value.ValueKind is not JsonValueKind.Array || value.EnumerateArray().All(item => item.ValueKind is not (JsonValueKind.Object or JsonValueKind.Array));
}
