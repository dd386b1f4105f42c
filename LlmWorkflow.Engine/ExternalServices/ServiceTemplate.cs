using System.Buffers;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace LlmWorkflow.Engine.ExternalServices;

/// <summary>
/// Placeholders of service files: <c>${root.name[0].name}</c>, paths only. What a parameter holds is never read as a placeholder itself.
/// </summary>
/// <param name="root">Name of the only root: <c>params</c> or <c>response</c>.</param>
/// <param name="value">Its value.</param>
internal sealed partial class ServiceTemplate(string root, JsonElement value)
{
    /// <summary>The template with its placeholders filled; fields and items that are missing are left out. Undefined when all of it is missing.</summary>
    public JsonElement Fill(JsonElement template)
    {
        if (template.ValueKind == JsonValueKind.Undefined || IsMissing(template))
        {
            return default;
        }

        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            Write(writer, template);
        }

        var reader = new Utf8JsonReader(buffer.WrittenSpan);
        return JsonElement.ParseValue(ref reader);
    }

    /// <summary>The text with its placeholders filled; null when one of them is missing.</summary>
    /// <param name="template">Text with placeholders.</param>
    /// <param name="escape">Applied to each value.</param>
    public string? FillText(string template, Func<string, string>? escape = null)
    {
        var missing = false;
        var text = Placeholder().Replace(template, match =>
        {
            var found = Find(match.Groups["path"].Value);
            missing |= found.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null;
            return escape is null ? ToText(found) : escape(ToText(found));
        });
        return missing ? null : text;
    }

    /// <summary>The value at a path such as <c>a.b[0]</c>; Undefined when there is none.</summary>
    public static JsonElement At(JsonElement value, string path)
    {
        foreach (var part in path.Split(['.', '['], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (part.EndsWith(']') && int.TryParse(part.AsSpan(0, part.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var index))
            {
                value = value.ValueKind == JsonValueKind.Array && index < value.GetArrayLength() ? value[index] : default;
            }
            else
            {
                value = value.ValueKind == JsonValueKind.Object && value.TryGetProperty(part, out var member) ? member : default;
            }
        }

        return value;
    }

    private JsonElement Find(string path)
    {
        path = path.Trim();
        return path == root ? value
            : path.StartsWith(root, StringComparison.Ordinal) && path[root.Length] is '.' or '[' ? At(value, path[root.Length..])
            : default;
    }

    private bool IsMissing(JsonElement template) =>
        template.ValueKind == JsonValueKind.String && Placeholders(template.GetString()!).Any(path => Find(path).ValueKind == JsonValueKind.Undefined);

    private void Write(Utf8JsonWriter writer, JsonElement template)
    {
        switch (template.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (var property in template.EnumerateObject().Where(property => !IsMissing(property.Value)))
                {
                    writer.WritePropertyName(property.Name);
                    Write(writer, property.Value);
                }

                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in template.EnumerateArray().Where(item => !IsMissing(item)))
                {
                    Write(writer, item);
                }

                writer.WriteEndArray();
                break;
            case JsonValueKind.String:
                WriteString(writer, template.GetString()!);
                break;
            default:
                template.WriteTo(writer);
                break;
        }
    }

    private void WriteString(Utf8JsonWriter writer, string template)
    {
        var match = Placeholder().Match(template);
        if (match.Success && match.Length == template.Length)
        {
            Find(match.Groups["path"].Value).WriteTo(writer);
        }
        else
        {
            writer.WriteStringValue(FillText(template) ?? template);
        }
    }

    private static IEnumerable<string> Placeholders(string template) => Placeholder().Matches(template).Select(match => match.Groups["path"].Value);

    private static string ToText(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Undefined or JsonValueKind.Null => "",
        JsonValueKind.Array => string.Join(',', value.EnumerateArray().Select(ToText)),
        JsonValueKind.String => value.GetString()!,
        _ => value.GetRawText(),
    };

    [GeneratedRegex(@"\$\{(?<path>[^{}]+)\}", RegexOptions.CultureInvariant)]
    private static partial Regex Placeholder();
}
