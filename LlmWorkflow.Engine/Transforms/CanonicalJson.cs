using System.Globalization;
using System.Text;
using System.Text.Json;

namespace LlmWorkflow.Engine.Transforms;

/// <summary>A text that two values share exactly when they are deeply equal: order of properties and ways to write a number do not matter.</summary>
internal static class CanonicalJson
{
    /// <summary>The text; missing is the same as null.</summary>
    public static string Of(JsonElement value)
    {
        StringBuilder text = new();
        Append(value, text);
        return text.ToString();
    }

    private static void Append(JsonElement value, StringBuilder text)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                // Of properties with the same name the last counts.
                Dictionary<string, JsonElement> properties = new(StringComparer.Ordinal);
                foreach (JsonProperty property in value.EnumerateObject())
                {
                    properties[property.Name] = property.Value;
                }

                text.Append('{');
                foreach ((string name, JsonElement member) in properties.OrderBy(property => property.Key, StringComparer.Ordinal))
                {
                    AppendText(name, text);
                    Append(member, text);
                }

                text.Append('}');
                break;
            case JsonValueKind.Array:
                text.Append('[');
                foreach (JsonElement item in value.EnumerateArray())
                {
                    Append(item, text);
                }

                text.Append(']');
                break;
            case JsonValueKind.String:
                AppendText(value.GetString()!, text);
                break;
            case JsonValueKind.Number:
                AppendNumber(value.GetRawText(), text);
                break;
            default:
                text.Append(value.ValueKind switch { JsonValueKind.True => 't', JsonValueKind.False => 'f', _ => 'n' });
                break;
        }
    }

    // The length in front makes an end mark, and with it escapes, needless.
    private static void AppendText(string value, StringBuilder text) => text.Append('"').Append(value.Length).Append(':').Append(value);

    /// <summary>Sign, digits without zeros at either end, and the power of ten.</summary>
    private static void AppendNumber(string number, StringBuilder text)
    {
        int mark = number.AsSpan().IndexOfAny('e', 'E');
        string digits = mark < 0 ? number : number[..mark];
        long exponent = 0;
        if (mark >= 0 && !long.TryParse(number.AsSpan(mark + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out exponent))
        {
            // No two spellings of such a number are worth the work of comparing them.
            text.Append('#').Append(number).Append(';');
            return;
        }

        int point = digits.IndexOf('.', StringComparison.Ordinal);
        if (point >= 0)
        {
            exponent -= digits.Length - point - 1;
            digits = digits.Remove(point, 1);
        }

        string significant = digits.TrimStart('-').TrimStart('0');
        string trimmed = significant.TrimEnd('0');
        text.Append('#');
        if (trimmed.Length > 0)
        {
            text.Append(number[0] == '-' ? "-" : "").Append(trimmed).Append('e').Append(exponent + (significant.Length - trimmed.Length));
        }

        text.Append(';');
    }
}
