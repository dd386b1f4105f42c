using System.Collections;
using System.Text.Json;
using HandlebarsDotNet;
using HandlebarsDotNet.IO;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.Prompts;

/// <summary>An object as Handlebars reads it; prints itself as JSON.</summary>
internal sealed class PromptObject(JsonElement source, Dictionary<string, object?> members, RenderBudget budget) : IReadOnlyDictionary<string, object?>
{
    public int Count => members.Count;

    public IEnumerable<string> Keys => this.Select(member => member.Key);

    public IEnumerable<object?> Values => this.Select(member => member.Value);

    public object? this[string key] => members[key];

    public bool ContainsKey(string key) => members.ContainsKey(key);

    public bool TryGetValue(string key, out object? value) => members.TryGetValue(key, out value);

    public IEnumerator<KeyValuePair<string, object?>> GetEnumerator()
    {
        foreach (KeyValuePair<string, object?> member in members)
        {
            budget.Visit();
            yield return member;
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public override string ToString() => JsonValues.ToText(source);
}

/// <summary>An array as Handlebars reads it; prints itself as JSON.</summary>
internal sealed class PromptList(JsonElement source, List<object?> items, RenderBudget budget) : IReadOnlyList<object?>
{
    public int Count => items.Count;

    public object? this[int index]
    {
        get
        {
            budget.Visit();
            return items[index];
        }
    }

    public IEnumerator<object?> GetEnumerator()
    {
        for (int i = 0; i < items.Count; i++)
        {
            yield return this[i];
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

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
    public static object? From(JsonElement value, RenderBudget budget)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                Dictionary<string, object?> members = new(StringComparer.Ordinal);
                foreach (JsonProperty property in value.EnumerateObject())
                {
                    members[property.Name] = From(property.Value, budget);
                }

                return new PromptObject(value, members, budget);
            case JsonValueKind.Array:
                return new PromptList(value, [.. value.EnumerateArray().Select(item => From(item, budget))], budget);
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
