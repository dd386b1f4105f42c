using System.Text.Json;
using System.Text.RegularExpressions;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.ExternalServices;

/// <summary>Reads the parameters of an operation, and notes what is wrong: a JSON Schema library takes much silently.</summary>
internal sealed partial class ParameterSchemaReader(List<FileFault> faults)
{
    private static readonly string[] s_types = ["object", "array", "string", "number", "integer", "boolean", "null"];

    private static readonly (string Least, string Most)[] s_bounds = [("minimum", "maximum"), ("minLength", "maxLength"), ("minItems", "maxItems")];

    private static readonly string[] s_keywords =
    [
        "type", "title", "description", "default", "examples", "enum", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength",
        "pattern", "format", "items", "minItems", "maxItems", "uniqueItems", "properties", "required", "additionalProperties", "anyOf", "oneOf", "allOf", "not",
    ];

    /// <summary>The parameters; none when nothing is said.</summary>
    /// <param name="schema">The schema; Undefined: nothing.</param>
    /// <param name="path">Where it stands.</param>
    public ParameterSchema Read(JsonElement schema, IReadOnlyList<string> path)
    {
        if (schema.ValueKind == JsonValueKind.Undefined)
        {
            return ParameterSchema.None;
        }

        var before = faults.Count;
        Walk(schema, path, isTop: true);
        if (faults.Count > before)
        {
            return Names(schema);
        }

        var fields = new FileFields(schema, path, faults);
        Dictionary<string, ServiceParameter> properties = new(StringComparer.Ordinal);
        foreach (var (name, value, at) in fields.Members("properties"))
        {
            if (!ParameterName().IsMatch(name))
            {
                faults.Add(new(at, FileFaultKind.InvalidName, "must consist of letters, digits and '_', beginning with a letter"));
            }

            properties[name] = Parameter(value, at);
        }

        Aliases(properties, [.. path, "properties"]);
        var result = new ParameterSchema(schema, properties, fields.Texts("required"), Groups(schema));
        Known(result, path);
        Compile(result, properties, path);
        return result;
    }

    private ServiceParameter Parameter(JsonElement schema, IReadOnlyList<string> path) => new()
    {
        Schema = schema,
        Default = schema.ValueKind == JsonValueKind.Object && schema.TryGetProperty("default", out var value) ? value : default,
        Aliases = schema.ValueKind == JsonValueKind.Object ? new FileFields(schema, path, faults).Texts("aliases") : [],
    };

    // With faults only the names are used, so that what reads them is still checked, and all count as given, so that no fault leads to another.
    private static ParameterSchema Names(JsonElement schema)
    {
        var names = schema.ValueKind == JsonValueKind.Object && schema.TryGetProperty("properties", out var properties) && properties.ValueKind == JsonValueKind.Object
            ? properties.EnumerateObject().ToDictionary(property => property.Name, _ => new ServiceParameter { Schema = JsonValues.EmptyObject })
            : [];
        return new ParameterSchema(JsonValues.EmptyObject, names, [.. names.Keys], []);
    }

    // "anyOf" of nothing but "required": told in plain words.
    private static IReadOnlyList<IReadOnlyList<string>> Groups(JsonElement schema) =>
        schema.TryGetProperty("anyOf", out var anyOf) && anyOf.EnumerateArray().All(group => group.ValueKind == JsonValueKind.Object && group.EnumerateObject().All(rule => rule.Name == "required"))
            ? [.. anyOf.EnumerateArray().Select(group => (IReadOnlyList<string>)[.. group.TryGetProperty("required", out var names) ? names.EnumerateArray().Select(name => name.GetString()!) : []])]
            : [];

    private void Aliases(Dictionary<string, ServiceParameter> properties, IReadOnlyList<string> path)
    {
        var taken = properties.Keys.ToHashSet(StringComparer.Ordinal);
        foreach (var (name, parameter) in properties)
        {
            foreach (var alias in parameter.Aliases.Where(alias => !taken.Add(alias)))
            {
                faults.Add(new([.. path, name, "aliases"], FileFaultKind.InvalidValue, $"holds '{alias}', which another parameter or alias is called"));
            }
        }
    }

    private void Known(ParameterSchema schema, IReadOnlyList<string> path)
    {
        foreach (var name in schema.Required.Where(name => !schema.Properties.ContainsKey(name)))
        {
            faults.Add(new([.. path, "required"], FileFaultKind.UnknownParameter, $"names '{name}', which is no parameter", NearestNames.Suggest(name, [.. schema.Properties.Keys])));
        }

        foreach (var (index, name) in schema.AnyOf.Index().SelectMany(group => group.Item.Select(name => (group.Index, name))).Where(named => !schema.Properties.ContainsKey(named.name)))
        {
            faults.Add(new(
                [.. path, "anyOf", index.ToString(System.Globalization.CultureInfo.InvariantCulture)], FileFaultKind.UnknownParameter, $"names '{name}', which is no parameter",
                NearestNames.Suggest(name, [.. schema.Properties.Keys])));
        }
    }

    private void Compile(ParameterSchema schema, Dictionary<string, ServiceParameter> properties, IReadOnlyList<string> path)
    {
        try
        {
            schema.Compile();
        }
        catch (FormatException exception)
        {
            faults.Add(new(path, FileFaultKind.InvalidSchema, $"is a schema that cannot be used: {exception.Message}"));
            return;
        }

        foreach (var (name, parameter) in properties.Where(parameter => parameter.Value.Default.ValueKind != JsonValueKind.Undefined))
        {
            if (ServiceParameters.Problem(schema, name, parameter.Default) is { } problem)
            {
                faults.Add(new([.. path, "properties", name, "default"], FileFaultKind.InvalidValue, $"breaks the parameter's own rules: {problem}"));
            }
        }
    }

    private void Walk(JsonElement schema, IReadOnlyList<string> path, bool isTop = false, bool isParameter = false)
    {
        if (!isTop && !isParameter && schema.ValueKind is JsonValueKind.True or JsonValueKind.False)
        {
            return;
        }

        if (schema.ValueKind != JsonValueKind.Object)
        {
            Fault(path, $"must be a schema, an object, and not {schema.KindName()}");
            return;
        }

        Bounds(schema, path);
        IReadOnlyCollection<string> keywords = isParameter ? [.. s_keywords, "aliases"] : s_keywords;
        foreach (var property in schema.EnumerateObject())
        {
            IReadOnlyList<string> at = [.. path, property.Name];
            if (!keywords.Contains(property.Name))
            {
                faults.Add(new(at, FileFaultKind.UnknownProperty, "is unknown", NearestNames.Suggest(property.Name, keywords)));
                continue;
            }

            if (isTop && property.Name == "type" && !(property.Value.ValueKind == JsonValueKind.String && property.Value.ValueEquals("object")))
            {
                Fault(at, "must be \"object\": the parameters are its properties");
            }
            else if (isTop && property.Name == "additionalProperties" && property.Value.ValueKind != JsonValueKind.False)
            {
                Fault(at, "must be false: an operation takes the parameters that it names");
            }
            else if (Problem(property.Name, property.Value) is { } problem)
            {
                Fault(at, problem);
            }
            else
            {
                Inside(property, at, isTop);
            }
        }
    }

    private void Bounds(JsonElement schema, IReadOnlyList<string> path)
    {
        foreach (var (least, most) in s_bounds)
        {
            if (schema.TryGetProperty(least, out var low) && schema.TryGetProperty(most, out var high)
                && low.ValueKind == JsonValueKind.Number && high.ValueKind == JsonValueKind.Number && low.GetDouble() > high.GetDouble())
            {
                Fault([.. path, least], $"is above '{most}': no value fits");
            }
        }
    }

    private void Inside(JsonProperty keyword, IReadOnlyList<string> path, bool isTop)
    {
        switch (keyword.Name)
        {
            case "properties":
                foreach (var property in keyword.Value.EnumerateObject())
                {
                    Walk(property.Value, [.. path, property.Name], isParameter: isTop);
                }

                break;
            case "items" or "not" or "additionalProperties":
                Walk(keyword.Value, path);
                break;
            case "anyOf" or "oneOf" or "allOf":
                foreach (var (index, item) in keyword.Value.EnumerateArray().Index())
                {
                    Walk(item, [.. path, index.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
                }

                break;
            default:
                break;
        }
    }

    private static string? Problem(string keyword, JsonElement value) => keyword switch
    {
        "type" when Items(value) is var types && (types.Count == 0 || types.Any(type => type.ValueKind != JsonValueKind.String || !s_types.Contains(type.GetString()))) =>
            $"must be one or a list of: {string.Join(", ", s_types)}",
        "minimum" or "maximum" or "exclusiveMinimum" or "exclusiveMaximum" or "multipleOf" when value.ValueKind != JsonValueKind.Number => "must be a number",
        "minLength" or "maxLength" or "minItems" or "maxItems" when !(value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var count) && count >= 0) =>
            "must be a whole number from 0",
        "title" or "description" or "format" when value.ValueKind != JsonValueKind.String => "must be a text",
        "uniqueItems" when value.ValueKind is not (JsonValueKind.True or JsonValueKind.False) => "must be true or false",
        "pattern" when !IsPattern(value) => "is no regular expression",
        "properties" when value.ValueKind != JsonValueKind.Object => "must be an object of schemas",
        "enum" or "examples" or "anyOf" or "oneOf" or "allOf" when value.ValueKind != JsonValueKind.Array || value.GetArrayLength() == 0 => "must be a list with at least one entry",
        "required" or "aliases" when value.ValueKind != JsonValueKind.Array || value.EnumerateArray().Any(name => name.ValueKind != JsonValueKind.String) => "must be a list of texts",
        _ => null,
    };

    private static IReadOnlyList<JsonElement> Items(JsonElement value) => value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : [value];

    private static bool IsPattern(JsonElement value)
    {
        try
        {
            _ = new Regex(value.GetString()!);
            return true;
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidOperationException)
        {
            return false;
        }
    }

    private void Fault(IReadOnlyList<string> path, string problem) => faults.Add(new(path, FileFaultKind.InvalidSchema, problem));

    [GeneratedRegex("^[A-Za-z][A-Za-z0-9_]{0,99}$", RegexOptions.CultureInvariant)]
    private static partial Regex ParameterName();
}
