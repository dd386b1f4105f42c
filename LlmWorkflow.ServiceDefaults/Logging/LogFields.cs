using System.Collections;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace LlmWorkflow.ServiceDefaults.Logging;

/// <summary>Writes named values as top-level fields; the first of a name wins, and none hides one of the formatter's own.</summary>
internal sealed class LogFields(Utf8JsonWriter json)
{
    private static readonly string[] Reserved =
        ["timestamp", "level", "category", "event_id", "event", "message", "trace_id", "span_id", "parent_id", "exception_type", "exception"];

    private readonly HashSet<string> written = new(Reserved, StringComparer.Ordinal);

    /// <summary>Adds the values of a log state or scope that has names; other scopes have no place in a flat record.</summary>
    public void AddRange(object? state)
    {
        if (state is not IEnumerable<KeyValuePair<string, object?>> values)
        {
            return;
        }

        foreach (var (name, value) in values)
        {
            if (name is { Length: > 0 } and not "{OriginalFormat}" && SnakeCase(name) is var field && written.Add(field))
            {
                json.WritePropertyName(field);
                Write(value);
            }
        }
    }

    /// <summary>The text with lone surrogates replaced, which JSON cannot carry; a log line must never fail.</summary>
    public static string Sound(string? text)
    {
        if (text is null)
        {
            return string.Empty;
        }

        foreach (var character in text)
        {
            if (char.IsSurrogate(character))
            {
                return Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
            }
        }

        return text;
    }

    internal static string SnakeCase(string name)
    {
        var result = new StringBuilder(name.Length + 4);
        for (var i = 0; i < name.Length; i++)
        {
            var character = name[i];
            if (!char.IsAsciiLetterOrDigit(character))
            {
                if (result.Length > 0 && result[^1] != '_')
                {
                    result.Append('_');
                }

                continue;
            }

            var startsWord = char.IsAsciiLetterUpper(character) && i > 0
                && (char.IsAsciiLetterLower(name[i - 1]) || char.IsAsciiDigit(name[i - 1])
                    || (char.IsAsciiLetterUpper(name[i - 1]) && i + 1 < name.Length && char.IsAsciiLetterLower(name[i + 1])));
            if (startsWord && result.Length > 0 && result[^1] != '_')
            {
                result.Append('_');
            }

            result.Append(char.ToLowerInvariant(character));
        }

        return result.ToString().TrimEnd('_');
    }

    private void Write(object? value)
    {
        switch (value)
        {
            case null:
                json.WriteNullValue();
                break;
            case bool flag:
                json.WriteBooleanValue(flag);
                break;
            case int or long or short or byte or sbyte or ushort or uint:
                json.WriteNumberValue(Convert.ToInt64(value, CultureInfo.InvariantCulture));
                break;
            case ulong number:
                json.WriteNumberValue(number);
                break;
            case decimal number:
                json.WriteNumberValue(number);
                break;
            case double number when double.IsFinite(number):
                json.WriteNumberValue(number);
                break;
            case float number when float.IsFinite(number):
                json.WriteNumberValue(number);
                break;
            case string text:
                json.WriteStringValue(Sound(text));
                break;
            case DateTime or DateTimeOffset:
                json.WriteStringValue(((IFormattable)value).ToString("O", CultureInfo.InvariantCulture));
                break;
            case IEnumerable items and not IFormattable:
                json.WriteStartArray();
                foreach (var item in items)
                {
                    json.WriteStringValue(Sound(Convert.ToString(item, CultureInfo.InvariantCulture)));
                }

                json.WriteEndArray();
                break;
            default:
                json.WriteStringValue(Sound(Convert.ToString(value, CultureInfo.InvariantCulture)));
                break;
        }
    }
}
