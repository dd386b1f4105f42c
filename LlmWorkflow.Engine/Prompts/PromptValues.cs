using System.Text.Json;
using HandlebarsDotNet;
using HandlebarsDotNet.IO;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.Prompts;

/// <summary>An object as Handlebars reads it; prints itself as JSON.</summary>
internal sealed class PromptObject(JsonElement source) : Dictionary<string, object?>(StringComparer.Ordinal)
{
    public override string ToString() => JsonValues.ToText(source);
}

/// <summary>An array as Handlebars reads it; prints itself as JSON.</summary>
internal sealed class PromptList(JsonElement source) : List<object?>
{
    public override string ToString() => JsonValues.ToText(source);
}

/// <summary>Writes objects and arrays as JSON and booleans as JSON does; Handlebars has its own idea of each.</summary>
internal sealed class PromptFormatter : IFormatter, IFormatterProvider
{
    public void Format<T>(T value, in EncodedTextWriter writer) =>
        writer.Write(value is bool flag ? (flag ? "true" : "false") : value?.ToString() ?? "", false);

    public bool TryCreateFormatter(Type type, out IFormatter formatter)
    {
        formatter = this;
        return type == typeof(PromptObject) || type == typeof(PromptList) || type == typeof(bool);
    }
}

/// <summary>Turns JSON into the plain values that Handlebars works on.</summary>
internal static class PromptValues
{
    public static object? From(JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                PromptObject properties = new(value);
                foreach (JsonProperty property in value.EnumerateObject())
                {
                    properties[property.Name] = From(property.Value);
                }

                return properties;
            case JsonValueKind.Array:
                PromptList items = new(value);
                items.AddRange(value.EnumerateArray().Select(From));
                return items;
            case JsonValueKind.String:
                return value.GetString();
            case JsonValueKind.Number:
                return value.TryGetDecimal(out decimal number) ? number : value.GetDouble();
            case JsonValueKind.True or JsonValueKind.False:
                return value.GetBoolean();
            default:
                return null;
        }
    }
}
