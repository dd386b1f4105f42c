using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.ExternalServices;

/// <summary>Checks what a step gives an operation against its parameters. Finds all problems at once. Pure.</summary>
internal static class ServiceParameters
{
    /// <summary>The parameters with defaults filled in and values in the declared types.</summary>
    /// <exception cref="WorkflowException"><see cref="ErrorTypes.InvalidParameter"/>.</exception>
    public static JsonElement Check(string service, string operation, ServiceOperation definition, IReadOnlyDictionary<string, JsonElement> given)
    {
        var problems = new List<string>();
        var names = definition.Parameters.SelectMany(parameter => parameter.Value.Aliases.Append(parameter.Key)).ToHashSet(StringComparer.Ordinal);
        problems.AddRange(given.Keys.Where(name => !names.Contains(name))
            .Select(name => $"'{Redactor.Text(name)}' is unknown; known are {string.Join(", ", definition.Parameters.Keys)}"));
        var result = new JsonObject();
        foreach (var (name, parameter) in definition.Parameters)
        {
            var value = parameter.Aliases.Prepend(name).Select(key => given.GetValueOrDefault(key)).FirstOrDefault(IsGiven);
            value = IsGiven(value) ? value : parameter.Default;
            if (!IsGiven(value))
            {
                if (parameter.Required)
                {
                    problems.Add($"'{name}' is required ({Describe(parameter)})");
                }
            }
            else if (Convert(parameter, value) is { } converted)
            {
                result[name] = converted;
            }
            else
            {
                problems.Add($"'{name}' must be {Describe(parameter)}, but is {Redactor.Text(value.GetRawText())}");
            }
        }

        return problems.Count == 0
            ? JsonElement.Parse(result.ToJsonString())
            : throw new WorkflowException(new WorkflowError
            {
                Type = ErrorTypes.InvalidParameter,
                Category = ErrorCategory.Config,
                Message = $"{service}.{operation}: {string.Join("; ", problems)}.",
                Details = new ErrorDetails
                {
                    Service = service,
                    Operation = operation,
                    Inputs = Redactor.Json(JsonSerializer.SerializeToElement(given, ServiceInputsJson.Default.IReadOnlyDictionaryStringJsonElement)),
                    Suggestions = ["Correct 'config' in the step, or the input that it reads."],
                },
            });
    }

    private static bool IsGiven(JsonElement value) => value.ValueKind is not (JsonValueKind.Undefined or JsonValueKind.Null);

    private static JsonNode? Convert(ServiceParameter parameter, JsonElement value) => parameter.Type switch
    {
        ParameterType.String => value.ValueKind switch
        {
            JsonValueKind.String => JsonValue.Create(value.GetString()),
            JsonValueKind.Number => JsonValue.Create(value.GetRawText()),
            _ => null,
        },
        ParameterType.Boolean => value.ValueKind is JsonValueKind.True or JsonValueKind.False ? JsonValue.Create(value.GetBoolean()) : null,
        ParameterType.Number => Number(value) is { } number && InBounds(parameter, number) ? JsonValue.Create(number) : null,
        ParameterType.Integer => Number(value) is { } number && InBounds(parameter, number) && number == Math.Floor(number) && Math.Abs(number) < 1L << 53
            ? JsonValue.Create((long)number)
            : null,
        ParameterType.Object => value.ValueKind == JsonValueKind.Object ? JsonObject.Create(value) : null,
        _ => Array(parameter, value),
    };

    private static JsonArray? Array(ServiceParameter parameter, JsonElement value)
    {
        var array = value.ValueKind switch
        {
            JsonValueKind.Array => JsonArray.Create(value)!,
            JsonValueKind.Object => null,
            _ => new JsonArray(JsonValue.Create(value)),
        };
        return array is null || array.Count > parameter.MaxItems ? null : array;
    }

    // Texts that are numbers count as such: forms send them so.
    private static double? Number(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number when value.TryGetDouble(out var number) && double.IsFinite(number) => number,
        JsonValueKind.String when double.TryParse(value.GetString(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            && double.IsFinite(number) => number,
        _ => null,
    };

    private static bool InBounds(ServiceParameter parameter, double number) => !(number < parameter.Minimum) && !(number > parameter.Maximum);

    private static string Describe(ServiceParameter parameter)
    {
        var type = parameter.Type switch
        {
            ParameterType.Integer => "an integer",
            ParameterType.Array => "an array",
            ParameterType.Object => "an object",
            _ => $"a {parameter.Type.ToString().ToLowerInvariant()}",
        };
        return (parameter.Minimum, parameter.Maximum, parameter.MaxItems) switch
        {
            (_, _, { } items) => string.Create(CultureInfo.InvariantCulture, $"{type} of at most {items} items"),
            ({ } low, { } high, _) => string.Create(CultureInfo.InvariantCulture, $"{type} from {low} to {high}"),
            ({ } low, null, _) => string.Create(CultureInfo.InvariantCulture, $"{type} from {low}"),
            (null, { } high, _) => string.Create(CultureInfo.InvariantCulture, $"{type} up to {high}"),
            _ => type,
        };
    }
}

[System.Text.Json.Serialization.JsonSerializable(typeof(IReadOnlyDictionary<string, JsonElement>))]
internal sealed partial class ServiceInputsJson : System.Text.Json.Serialization.JsonSerializerContext;
