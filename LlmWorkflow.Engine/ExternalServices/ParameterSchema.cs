using System.Text.Json;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.ExternalServices;

/// <summary>The parameters of an operation: a JSON Schema of an object, compiled once.</summary>
internal sealed class ParameterSchema
{
    private readonly Lazy<JsonSchemaCheck> _check;

    /// <param name="schema">The schema; <c>required</c> at its top, and <c>anyOf</c> of nothing but such, are left to the two lists.</param>
    /// <param name="properties">The parameters by name.</param>
    /// <param name="required">Those that must be given.</param>
    /// <param name="anyOf">Groups of which one must be given as a whole; empty: none.</param>
    public ParameterSchema(
        JsonElement schema, IReadOnlyDictionary<string, ServiceParameter> properties, IReadOnlyList<string> required, IReadOnlyList<IReadOnlyList<string>> anyOf)
    {
        (Properties, Required, AnyOf) = (properties, required, anyOf);
        _check = new(() => JsonSchemaCheck.Compile(Values(schema, anyOf.Count > 0)));
    }

    /// <summary>No parameters.</summary>
    public static ParameterSchema None { get; } = new(JsonValues.EmptyObject, new Dictionary<string, ServiceParameter>(), [], []);

    /// <summary>The parameters by name, in the order of the file.</summary>
    public IReadOnlyDictionary<string, ServiceParameter> Properties { get; }

    /// <summary>Those that must be given.</summary>
    public IReadOnlyList<string> Required { get; }

    /// <summary>Groups of which one must be given as a whole; empty: none.</summary>
    public IReadOnlyList<IReadOnlyList<string>> AnyOf { get; }

    /// <summary>All names that may be given: the parameters', then their aliases.</summary>
    public IEnumerable<string> Names => Properties.Keys.Concat(Properties.Values.SelectMany(parameter => parameter.Aliases));

    /// <summary>Compiles the schema.</summary>
    /// <exception cref="FormatException">It cannot be used; the message says why.</exception>
    public void Compile() => _ = _check.Value;

    /// <summary>What is wrong with values; not which are missing.</summary>
    public IReadOnlyList<SchemaIssue> Validate(JsonElement values) => _check.Value.Validate(values);

    /// <summary>The parameter that a name or alias stands for; null: none.</summary>
    public string? Resolve(string name) =>
        Properties.ContainsKey(name) ? name : Properties.FirstOrDefault(parameter => parameter.Value.Aliases.Contains(name, StringComparer.Ordinal)).Key;

    private static JsonElement Values(JsonElement schema, bool hasGroups) => JsonValues.Write(writer =>
    {
        writer.WriteStartObject();
        foreach (var property in schema.EnumerateObject().Where(property => property.Name != "required" && !(hasGroups && property.Name == "anyOf")))
        {
            property.WriteTo(writer);
        }

        writer.WriteEndObject();
    });
}

/// <summary>One parameter.</summary>
internal sealed record ServiceParameter
{
    /// <summary>Its schema.</summary>
    public required JsonElement Schema { get; init; }

    /// <summary>Undefined: none.</summary>
    public JsonElement Default { get; init; }

    /// <summary>Other names for it.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];
}
