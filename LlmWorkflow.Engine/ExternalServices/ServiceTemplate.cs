using System.Text;
using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.ExternalServices;

/// <summary>
/// Fills the templates of a service file and evaluates its expressions. Unlike in definitions, what is missing is no error: it is left out. Values put in are never
/// looked at again.
/// </summary>
/// <param name="roots">What <c>${…}</c> can read, by name.</param>
internal sealed class ServiceTemplate(params ReadOnlySpan<KeyValuePair<string, JsonElement>> roots)
{
    /// <summary>Largest value that a template may make, in bytes: it may name a large reply many times.</summary>
    public const int MaxSize = 16 * 1024 * 1024;

    private readonly ExpressionScope _scope = new()
    {
        Input = default,
        Context = new Dictionary<string, JsonElement>(),
        Steps = new Dictionary<string, StepValue>(),
        Locals = new Dictionary<string, JsonElement>(roots.ToArray(), StringComparer.Ordinal),
    };

    /// <summary>The template with its expressions filled in; fields and items that are missing are left out. Undefined when all of it is missing.</summary>
    /// <exception cref="WorkflowException">An expression met a value that it cannot work on.</exception>
    public JsonElement Fill(JsonElement template) => template.ValueKind switch
    {
        JsonValueKind.Undefined => default,
        JsonValueKind.String => FillString(template),
        _ => JsonValues.Write(writer => Write(writer, template)),
    };

    /// <summary>The text with its expressions filled in, lists as texts with commas between; null when one of them is missing or null.</summary>
    /// <param name="template">Text with expressions.</param>
    /// <param name="escape">Applied to each value.</param>
    /// <exception cref="WorkflowException">An expression met a value that it cannot work on.</exception>
    public string? FillText(string template, Func<string, string>? escape = null)
    {
        StringBuilder text = new();
        foreach (var part in Template.Parse(template).Parts)
        {
            if (part.Expression is null)
            {
                text.Append(part.Text);
                continue;
            }

            var value = Evaluate(part.Expression);
            if (value.IsMissingOrNull())
            {
                return null;
            }

            text.Append(escape is null ? ToText(value) : escape(ToText(value)));
        }

        return text.ToString();
    }

    /// <summary>The value of an expression; Undefined when it is missing.</summary>
    /// <exception cref="WorkflowException">It met a value that it cannot work on.</exception>
    public JsonElement Evaluate(Expression expression) => ExpressionEvaluator.Evaluate(expression, _scope);

    /// <summary>Whether a condition holds.</summary>
    /// <exception cref="WorkflowException">It met a value that it cannot work on, or its value is neither true nor false.</exception>
    public bool IsTrue(Expression condition) => ExpressionEvaluator.IsTrue(condition, _scope);

    /// <summary>A value as text: lists with commas between, objects as JSON.</summary>
    public static string ToText(JsonElement value) =>
        value.ValueKind == JsonValueKind.Array ? string.Join(',', value.EnumerateArray().Select(JsonValues.ToText)) : JsonValues.ToText(value);

    private JsonElement FillString(JsonElement template)
    {
        var text = template.GetString()!;
        if (!text.Contains("${", StringComparison.Ordinal))
        {
            return template;
        }

        return Template.Parse(text).Whole is { } whole ? Evaluate(whole) : FillText(text) is { } filled ? JsonValues.String(filled) : default;
    }

    private void Write(Utf8JsonWriter writer, JsonElement template)
    {
        switch (template.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (var property in template.EnumerateObject())
                {
                    WritePart(writer, property.Name, property.Value);
                }

                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in template.EnumerateArray())
                {
                    WritePart(writer, null, item);
                }

                writer.WriteEndArray();
                break;
            default:
                template.WriteTo(writer);
                break;
        }
    }

    private void WritePart(Utf8JsonWriter writer, string? name, JsonElement template)
    {
        var value = template.ValueKind == JsonValueKind.String ? FillString(template) : template;
        if (value.ValueKind == JsonValueKind.Undefined)
        {
            return;
        }

        if (name is not null)
        {
            writer.WritePropertyName(name);
        }

        if (template.ValueKind == JsonValueKind.String)
        {
            value.WriteTo(writer);
            ThrowIfTooLarge(writer, template.GetString()!);
        }
        else
        {
            Write(writer, template);
        }
    }

    private static void ThrowIfTooLarge(Utf8JsonWriter writer, string text)
    {
        if (writer.BytesCommitted + writer.BytesPending > MaxSize)
        {
            throw ExpressionFault.At($"The values put in make more than {MaxSize / (1024 * 1024)} MiB", 0, text);
        }
    }
}
