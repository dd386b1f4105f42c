using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.ExternalServices;

/// <summary>Checks what a step gives an operation against its parameters. Finds all problems at once. Pure.</summary>
internal static class ServiceParameters
{
    /// <summary>The parameters with defaults filled in, under their own names and in the declared types.</summary>
    /// <exception cref="WorkflowException"><see cref="ErrorTypes.InvalidParameter"/>.</exception>
    public static JsonElement Check(string service, string operation, ServiceOperation definition, IReadOnlyDictionary<string, JsonElement> given)
    {
        var schema = definition.Parameters;
        List<string> problems = [];
        problems.AddRange(given.Keys.Where(name => schema.Resolve(name) is null)
            .Select(name => $"'{Redactor.Text(name)}' is unknown; known are {string.Join(", ", schema.Properties.Keys)}"));
        Dictionary<string, JsonElement> values = new(StringComparer.Ordinal);
        foreach (var (name, parameter) in schema.Properties)
        {
            var value = parameter.Aliases.Prepend(name).Select(key => given.GetValueOrDefault(key)).FirstOrDefault(IsGiven);
            value = IsGiven(value) ? ParameterValue.Convert(parameter.Schema, value) : parameter.Default;
            if (IsGiven(value))
            {
                values[name] = value;
            }
        }

        problems.AddRange(Missing(schema, values.Keys));
        var result = Object(values);
        problems.AddRange(Problems(schema, result));
        return problems.Count == 0
            ? result
            : throw new WorkflowException(new WorkflowError
            {
                Type = ErrorTypes.InvalidParameter,
                Category = ErrorCategory.Config,
                Message = $"{service}.{operation}: {string.Join("; ", problems)}.",
                Details = new ErrorDetails
                {
                    Service = service,
                    Operation = operation,
                    Inputs = Redactor.Json(Object(given)),
                    Suggestions = ["Correct the parameters of the call: the step's 'config', or the input that it reads."],
                },
            });
    }

    /// <summary>What must be given and is not, each as a sentence without a full stop.</summary>
    /// <param name="schema">The parameters.</param>
    /// <param name="given">Names that are given, aliases too.</param>
    public static IEnumerable<string> Missing(ParameterSchema schema, IEnumerable<string> given)
    {
        var names = given.Select(schema.Resolve).OfType<string>()
            .Concat(schema.Properties.Where(parameter => IsGiven(parameter.Value.Default)).Select(parameter => parameter.Key)).ToHashSet(StringComparer.Ordinal);
        foreach (var name in schema.Required.Where(name => !names.Contains(name)))
        {
            yield return $"'{name}' is required ({ParameterValue.Describe(schema.Properties[name].Schema)})";
        }

        if (schema.AnyOf.Count > 0 && !schema.AnyOf.Any(group => group.All(names.Contains)))
        {
            yield return $"give {string.Join(", or ", schema.AnyOf.Select(group => string.Join(" and ", group)))}";
        }
    }

    /// <summary>What is wrong with one value, as a sentence without a full stop; null: nothing.</summary>
    /// <param name="schema">The parameters.</param>
    /// <param name="name">Name or alias of a parameter that exists.</param>
    /// <param name="value">Its value, as it was given.</param>
    public static string? Problem(ParameterSchema schema, string name, JsonElement value)
    {
        var parameter = schema.Resolve(name)!;
        var values = Object([KeyValuePair.Create(parameter, ParameterValue.Convert(schema.Properties[parameter].Schema, value))]);
        return IsGiven(value) ? Problems(schema, values, name).FirstOrDefault() : null;
    }

    private static IEnumerable<string> Problems(ParameterSchema schema, JsonElement values, string? shown = null)
    {
        HashSet<string> told = new(StringComparer.Ordinal);
        foreach (var issue in schema.Validate(values))
        {
            var parts = issue.Pointer.Split('/');
            if (parts.Length < 2 || !schema.Properties.TryGetValue(parts[1], out var parameter) || !values.TryGetProperty(parts[1], out var value))
            {
                // A rule between parameters, which says nothing about one alone.
                if (shown is null)
                {
                    yield return $"the parameters break a rule: {$"{issue.Pointer} {issue.Message}".Trim()}";
                }
            }
            else if (told.Add(parts[1]))
            {
                var inside = parts.Length > 2 ? $" ('{string.Join('/', parts[2..])}' {issue.Message})" : "";
                yield return $"'{shown ?? parts[1]}' must be {ParameterValue.Describe(parameter.Schema)}, but is {Redactor.Text(value.GetRawText())}{inside}";
            }
        }
    }

    private static bool IsGiven(JsonElement value) => !value.IsMissingOrNull();

    private static JsonElement Object(IEnumerable<KeyValuePair<string, JsonElement>> members) => JsonValues.Write(writer =>
    {
        writer.WriteStartObject();
        foreach (var (name, value) in members.Where(member => member.Value.ValueKind != JsonValueKind.Undefined))
        {
            writer.WritePropertyName(name);
            value.WriteTo(writer);
        }

        writer.WriteEndObject();
    });
}
