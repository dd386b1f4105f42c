using System.Text;
using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.Expressions;

/// <summary>Replaces <c>${…}</c> in strings and in whole JSON values. Values put in are never looked at again.</summary>
internal static class TemplateResolver
{
    /// <summary>Largest text or value that expressions may be put together to, in characters: a definition may name a large value many times.</summary>
    public const int MaxSize = Evaluation.MaxSize;

    /// <summary>
    /// The value with each string resolved: one that is a single <c>${…}</c> keeps the type of its value, any other is text. Property names stay as they are.
    /// </summary>
    /// <exception cref="WorkflowException">An expression is malformed or has no value.</exception>
    public static JsonElement Resolve(JsonElement value, ExpressionScope scope) => value.ValueKind switch
    {
        JsonValueKind.String => ResolveString(value, scope),
        JsonValueKind.Object or JsonValueKind.Array when HasExpression(value) => JsonValues.Write(writer => Write(value, scope, writer)),
        _ => value,
    };

    /// <summary>The string as text.</summary>
    /// <exception cref="WorkflowException">An expression is malformed or has no value.</exception>
    public static string ResolveText(string text, ExpressionScope scope)
    {
        if (!text.Contains("${", StringComparison.Ordinal))
        {
            return text;
        }

        StringBuilder result = new();
        foreach (TemplatePart part in Parse(text).Parts)
        {
            result.Append(part.Expression is null ? part.Text : ExpressionEvaluator.RequireText(part.Expression, scope));
            ThrowIfTooLarge(result.Length, text);
        }

        return result.ToString();
    }

    /// <summary>Each value resolved.</summary>
    /// <exception cref="WorkflowException">An expression is malformed or has no value.</exception>
    public static IReadOnlyDictionary<string, JsonElement> Resolve(IReadOnlyDictionary<string, JsonElement> values, ExpressionScope scope) =>
        values.ToDictionary(entry => entry.Key, entry => Resolve(entry.Value, scope), StringComparer.Ordinal);

    private static JsonElement ResolveString(JsonElement value, ExpressionScope scope)
    {
        string text = value.GetString()!;
        if (!text.Contains("${", StringComparison.Ordinal))
        {
            return value;
        }

        return Parse(text).Whole is { } whole ? ExpressionEvaluator.Require(whole, scope) : JsonValues.String(ResolveText(text, scope));
    }

    /// <summary>Whether any string in it has an expression.</summary>
    public static bool HasExpression(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString()!.Contains("${", StringComparison.Ordinal),
        JsonValueKind.Object => value.EnumerateObject().Any(property => HasExpression(property.Value)),
        JsonValueKind.Array => value.EnumerateArray().Any(HasExpression),
        _ => false,
    };

    private static void Write(JsonElement value, ExpressionScope scope, Utf8JsonWriter writer)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (JsonProperty property in value.EnumerateObject())
                {
                    writer.WritePropertyName(property.Name);
                    Write(property.Value, scope, writer);
                }

                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (JsonElement item in value.EnumerateArray())
                {
                    Write(item, scope, writer);
                }

                writer.WriteEndArray();
                break;
            case JsonValueKind.String:
                JsonElement resolved = ResolveString(value, scope);
                ThrowIfTooLarge(writer.BytesCommitted + writer.BytesPending + ExpressionValue.Of(resolved).Size, value.GetString()!);
                resolved.WriteTo(writer);
                break;
            default:
                value.WriteTo(writer);
                break;
        }
    }

    private static Template Parse(string text)
    {
        try
        {
            return Template.Parse(text);
        }
        catch (ExpressionSyntaxException exception)
        {
            throw ExpressionFault.At(exception.Message, exception.Position, text, exception);
        }
    }

    private static void ThrowIfTooLarge(long size, string text)
    {
        if (size > MaxSize)
        {
            throw ExpressionFault.At($"The values put in make more than {MaxSize} characters", 0, text);
        }
    }
}
