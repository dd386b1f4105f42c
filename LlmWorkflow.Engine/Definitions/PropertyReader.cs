using System.Globalization;
using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>
/// Reads one object of a definition. Each property that is asked for is checked and ticked off; what is left at <see cref="Finish"/> is unknown.
/// A wrong value adds an issue and reads as absent, so that reading goes on.
/// </summary>
internal sealed class PropertyReader(JsonElement value, string pointer, DefinitionIssues issues)
{
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);

    /// <summary>Whether the property is there; it counts as known from then on.</summary>
    public bool Has(string name)
    {
        _known.Add(name);
        return value.TryGetProperty(name, out _);
    }

    /// <summary>Pointer of a property.</summary>
    public string At(string name) => $"{pointer}/{JsonPositions.Escape(name)}";

    /// <summary>Any value; Undefined when absent.</summary>
    public JsonElement Any(string name)
    {
        _known.Add(name);
        return value.TryGetProperty(name, out JsonElement found) ? found : default;
    }

    /// <summary>A value of one of these kinds; Undefined when absent or wrong.</summary>
    public JsonElement Any(string name, string expected, params ReadOnlySpan<JsonValueKind> kinds)
    {
        JsonElement found = Any(name);
        if (found.ValueKind == JsonValueKind.Undefined || kinds.Contains(found.ValueKind))
        {
            return found;
        }

        issues.Error(IssueCodes.WrongType, At(name), $"'{name}' must be {expected}, not {found.KindName()}.");
        return default;
    }

    /// <summary>A text; null when absent or wrong.</summary>
    public string? Text(string name) => Any(name, "a string", JsonValueKind.String) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    /// <summary>A text that must be there and not empty; empty when it is not.</summary>
    public string NeedText(string name)
    {
        Need(name);
        string? text = Text(name);
        if (text is { Length: 0 })
        {
            issues.Error(IssueCodes.InvalidValue, At(name), $"'{name}' must not be empty.");
        }

        return text ?? "";
    }

    /// <summary>Adds an issue when the property is absent.</summary>
    public void Need(string name)
    {
        if (!Has(name))
        {
            issues.Error(IssueCodes.MissingProperty, pointer, $"'{name}' is missing.", $"Add \"{name}\".");
        }
    }

    /// <summary>True or false; null when absent or wrong.</summary>
    public bool? Flag(string name) => Any(name, "true or false", JsonValueKind.True, JsonValueKind.False) is { ValueKind: not JsonValueKind.Undefined } flag
        ? flag.GetBoolean()
        : null;

    /// <summary>A number within bounds, both allowed; null when absent or wrong.</summary>
    public decimal? Number(string name, decimal least, decimal most, bool whole = false)
    {
        JsonElement found = Any(name, whole ? "a whole number" : "a number", JsonValueKind.Number);
        if (found.ValueKind == JsonValueKind.Undefined)
        {
            return null;
        }

        if (!found.TryGetDecimal(out decimal number) || number < least || number > most || (whole && number != decimal.Truncate(number)))
        {
            issues.Error(
                IssueCodes.OutOfRange,
                At(name),
                string.Create(CultureInfo.InvariantCulture, $"'{name}' must be a {(whole ? "whole " : "")}number from {least} to {most}, not {found.GetRawText()}."));
            return null;
        }

        return number;
    }

    /// <summary>An object's members; empty when absent or wrong.</summary>
    public IReadOnlyDictionary<string, JsonElement> Members(string name)
    {
        JsonElement found = Any(name, "an object", JsonValueKind.Object);
        Dictionary<string, JsonElement> members = new(StringComparer.Ordinal);
        if (found.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty property in found.EnumerateObject())
            {
                members[property.Name] = property.Value;
            }
        }

        return members;
    }

    /// <summary>A list of texts; empty when absent or wrong.</summary>
    public IReadOnlyList<string> Texts(string name)
    {
        JsonElement found = Any(name, "a list of strings", JsonValueKind.Array);
        if (found.ValueKind != JsonValueKind.Array)
        {
            return [];
        }

        if (found.EnumerateArray().Any(item => item.ValueKind != JsonValueKind.String))
        {
            issues.Error(IssueCodes.WrongType, At(name), $"'{name}' must be a list of strings.");
            return [];
        }

        return [.. found.EnumerateArray().Select(item => item.GetString()!)];
    }

    /// <summary>Takes the rest unseen: what may stand here is not known.</summary>
    public void AcceptRest() => _known.UnionWith(value.EnumerateObject().Select(property => property.Name));

    /// <summary>Adds an issue for each property that nobody asked for.</summary>
    public void Finish()
    {
        foreach (JsonProperty property in value.EnumerateObject().Where(property => !_known.Contains(property.Name) && property.Name != "$schema"))
        {
            issues.ErrorAtName(
                IssueCodes.UnknownProperty, At(property.Name), $"There is no property '{property.Name}' here.", NearestNames.Suggest(property.Name, _known));
        }
    }
}
