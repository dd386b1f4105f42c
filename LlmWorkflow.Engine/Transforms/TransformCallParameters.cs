using System.Globalization;
using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.Transforms;

/// <summary>Reads parameters by kind; defaults and bounds are those of <see cref="TransformTable"/>. A parameter that is null counts as not given.</summary>
internal static class TransformCallParameters
{
    /// <summary>True or false; null when it is not given and has no default.</summary>
    /// <exception cref="WorkflowException">It is something else.</exception>
    public static bool? Flag(this TransformCall call, string name)
    {
        JsonElement value = call.ValueOrDefault(name);
        return value.ValueKind switch
        {
            JsonValueKind.Undefined => null,
            JsonValueKind.True or JsonValueKind.False => value.GetBoolean(),
            _ => throw call.Fault($"'{name}' must be true or false", value),
        };
    }

    /// <summary>A whole number within its bounds.</summary>
    /// <exception cref="WorkflowException">It is something else.</exception>
    public static int WholeNumber(this TransformCall call, string name)
    {
        JsonElement value = call.ValueOrDefault(name);
        TransformParameter parameter = call.Describe(name);
        // 10.0 is whole as well: that is how some models and languages write it.
        return value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out decimal number) && decimal.IsInteger(number)
            && number >= parameter.Minimum && number <= parameter.Maximum
            ? (int)number
            : throw call.Fault(
                parameter.Maximum == int.MaxValue
                    ? string.Create(CultureInfo.InvariantCulture, $"'{name}' must be a whole number of at least {parameter.Minimum}")
                    : string.Create(CultureInfo.InvariantCulture, $"'{name}' must be a whole number from {parameter.Minimum} to {parameter.Maximum}"),
                value);
    }

    /// <summary>One of the parameter's choices.</summary>
    /// <exception cref="WorkflowException">It is something else.</exception>
    public static string Choice(this TransformCall call, string name) => call.Choice(name, call.ValueOrDefault(name));

    /// <summary>One of the parameter's choices, read from elsewhere.</summary>
    /// <exception cref="WorkflowException">It is something else.</exception>
    public static string Choice(this TransformCall call, string name, JsonElement value)
    {
        IReadOnlyList<string> choices = call.Describe(name).Choices;
        return value.ValueKind == JsonValueKind.String && choices.Contains(value.GetString()!)
            ? value.GetString()!
            : throw call.Fault($"'{name}' must be {string.Join(" or ", choices.Select(choice => $"\"{choice}\""))}", value);
    }

    /// <summary>Text.</summary>
    /// <exception cref="WorkflowException">It is something else.</exception>
    public static string Text(this TransformCall call, string name)
    {
        JsonElement value = call.ValueOrDefault(name);
        return value.ValueKind == JsonValueKind.String ? value.GetString()! : throw call.Fault($"'{name}' must be text", value);
    }

    /// <summary>A list of texts; null when it is not given.</summary>
    /// <exception cref="WorkflowException">It is something else.</exception>
    public static IReadOnlyList<string>? Names(this TransformCall call, string name)
    {
        JsonElement value = call.ValueOrDefault(name);
        return value.ValueKind switch
        {
            JsonValueKind.Undefined => null,
            JsonValueKind.Array when value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String) =>
                [.. value.EnumerateArray().Select(item => item.GetString()!)],
            _ => throw call.Fault($"'{name}' must be a list of field names", value),
        };
    }

    /// <summary>An object; null when it is not given.</summary>
    /// <param name="call">The call.</param>
    /// <param name="name">The parameter.</param>
    /// <param name="what">What it holds, for the error: <c>an object of names and JSONPaths</c>.</param>
    /// <exception cref="WorkflowException">It is something else.</exception>
    public static JsonElement? Object(this TransformCall call, string name, string what)
    {
        JsonElement value = call.ValueOrDefault(name);
        return value.ValueKind switch
        {
            JsonValueKind.Undefined => null,
            JsonValueKind.Object => value,
            _ => throw call.Fault($"'{name}' must be {what}", value),
        };
    }

    /// <summary>The value, or the default; Undefined when there is neither.</summary>
    public static JsonElement ValueOrDefault(this TransformCall call, string name)
    {
        JsonElement value = call.Parameter(name);
        return !value.IsMissingOrNull() ? value : call.Describe(name).Default is { } json ? JsonElement.Parse(json) : default;
    }
}
