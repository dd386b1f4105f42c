using System.Globalization;
using System.Text.Json;

namespace LlmWorkflow.Engine.Diagnostics;

/// <summary>An object in a file of the workflows folder: reads its members, and notes what is wrong with them.</summary>
/// <param name="value">The object.</param>
/// <param name="path">Where it stands.</param>
/// <param name="faults">Takes what is wrong.</param>
internal sealed class FileFields(JsonElement value, IReadOnlyList<string> path, List<FileFault> faults)
{
    /// <summary>Where it stands.</summary>
    public IReadOnlyList<string> Path => path;

    /// <summary>Notes members of other names; false when this is no object at all.</summary>
    public bool Allow(params IReadOnlyCollection<string> names)
    {
        if (value.ValueKind is not JsonValueKind.Object)
        {
            faults.Add(new(path, FileFaultKind.InvalidValue, "must be an object"));
            return false;
        }

        foreach (var property in value.EnumerateObject().Where(property => !names.Contains(property.Name)))
        {
            faults.Add(new([.. path, property.Name], FileFaultKind.UnknownProperty, "is unknown", NearestNames.Suggest(property.Name, names)));
        }

        return true;
    }

    /// <summary>Whether there is such a member.</summary>
    public bool Has(string name) => value.TryGetProperty(name, out _);

    /// <summary>A member as it is; Undefined when there is none.</summary>
    public JsonElement Any(string name) => value.TryGetProperty(name, out var member) ? member : default;

    /// <summary>A member that is an object; null when there is none.</summary>
    public FileFields? Object(string name) =>
        Member(name, JsonValueKind.Object, "must be an object", false) is { } member ? new(member, [.. path, name], faults) : null;

    /// <summary>The members of an object; none when there is no such member.</summary>
    public IEnumerable<(string Name, JsonElement Value, IReadOnlyList<string> Path)> Members(string name, bool required = false) =>
        Member(name, JsonValueKind.Object, "must be an object", required) is { } member
            ? member.EnumerateObject().Select(property => (property.Name, property.Value, (IReadOnlyList<string>)[.. path, name, property.Name]))
            : [];

    /// <summary>The items of a list; none when there is no such member.</summary>
    public IReadOnlyList<(JsonElement Value, IReadOnlyList<string> Path)> Items(string name, bool required = false)
    {
        if (Member(name, JsonValueKind.Array, "must be a list with at least one entry", required) is not { } list)
        {
            return [];
        }

        if (required && list.GetArrayLength() == 0)
        {
            Fault(name, "must be a list with at least one entry");
        }

        return [.. list.EnumerateArray().Select((item, index) => (item, (IReadOnlyList<string>)[.. path, name, index.ToString(CultureInfo.InvariantCulture)]))];
    }

    /// <summary>Texts of a list.</summary>
    public IReadOnlyList<string> Texts(string name, bool required = false)
    {
        var items = Items(name, required);
        if (items.All(item => item.Value.ValueKind is JsonValueKind.String && item.Value.GetString() is { Length: > 0 }))
        {
            return [.. items.Select(item => item.Value.GetString()!)];
        }

        Fault(name, "must be a list of texts");
        return [];
    }

    /// <summary>A text; null when there is none.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="required">It must be there.</param>
    /// <param name="problem">What it must be.</param>
    public string? Text(string name, bool required = false, string problem = "must be a text") => Member(name, JsonValueKind.String, problem, required)?.GetString();

    /// <summary>One of some words; null when there is none.</summary>
    public string? OneOf(string name, IReadOnlyCollection<string> words, bool required = false)
    {
        var problem = $"must be one of: {string.Join(", ", words)}";
        var text = Text(name, required, problem);
        if (text is null || words.Contains(text))
        {
            return text;
        }

        Fault(name, problem, NearestNames.Find(text, words) is { Count: > 0 } ? NearestNames.Suggest(text, words) : null);
        return null;
    }

    /// <summary>An amount in USD; null when there is none.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="most">The largest that is taken.</param>
    /// <param name="required">It must be there.</param>
    public decimal? Amount(string name, decimal most, bool required = false)
    {
        var problem = string.Create(CultureInfo.InvariantCulture, $"must be a number from 0 to {most:N0}");
        if (Member(name, JsonValueKind.Number, problem, required) is not { } member)
        {
            return null;
        }

        if (member.TryGetDecimal(out var number) && number >= 0 && number <= most)
        {
            return number;
        }

        Fault(name, problem);
        return null;
    }

    /// <summary>A number between bounds; null when there is none.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="least">Smallest that is taken; 0 or less with <paramref name="aboveLeast"/>: above it.</param>
    /// <param name="most">Largest that is taken.</param>
    /// <param name="aboveLeast">The smallest itself is not taken.</param>
    /// <param name="required">It must be there.</param>
    public double? Number(string name, double least, double most, bool aboveLeast = false, bool required = false)
    {
        var problem = string.Create(CultureInfo.InvariantCulture, $"must be a number {(aboveLeast ? "above" : "from")} {least} {(aboveLeast ? "up to" : "to")} {most}");
        if (Member(name, JsonValueKind.Number, problem, required) is not { } member)
        {
            return null;
        }

        if (member.TryGetDouble(out var number) && (aboveLeast ? number > least : number >= least) && number <= most)
        {
            return number;
        }

        Fault(name, problem);
        return null;
    }

    /// <summary>A whole number between bounds; null when there is none.</summary>
    public int? Whole(string name, int least, int most, bool required = false)
    {
        var problem = string.Create(CultureInfo.InvariantCulture, $"must be a whole number from {least} to {most}");
        if (Member(name, JsonValueKind.Number, problem, required) is not { } member)
        {
            return null;
        }

        if (member.TryGetInt32(out var number) && number >= least && number <= most)
        {
            return number;
        }

        Fault(name, problem);
        return null;
    }

    /// <summary>A whole number above 0; null when there is none.</summary>
    public int? Count(string name, bool required = false)
    {
        if (Member(name, JsonValueKind.Number, "must be a whole number above 0", required) is not { } member)
        {
            return null;
        }

        if (member.TryGetInt32(out var number) && number > 0)
        {
            return number;
        }

        Fault(name, "must be a whole number above 0");
        return null;
    }

    /// <summary>True only if it says so.</summary>
    public bool Flag(string name) => FlagOrNull(name) is true;

    /// <summary>True or false; null when there is none.</summary>
    public bool? FlagOrNull(string name)
    {
        if (!value.TryGetProperty(name, out var flag))
        {
            return null;
        }

        if (flag.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
        {
            Fault(name, "must be true or false");
        }

        return flag.ValueKind is JsonValueKind.True;
    }

    /// <summary>Notes what is wrong with a member.</summary>
    public void Fault(string name, string problem, string? suggestion = null) => Fault(name, FileFaultKind.InvalidValue, problem, suggestion);

    /// <summary>Notes what is wrong with a member.</summary>
    public void Fault(string name, FileFaultKind kind, string problem, string? suggestion = null) => faults.Add(new([.. path, name], kind, problem, suggestion));

    private JsonElement? Member(string name, JsonValueKind kind, string problem, bool required)
    {
        if (!value.TryGetProperty(name, out var member))
        {
            if (required)
            {
                faults.Add(new([.. path, name], FileFaultKind.MissingProperty, "is missing"));
            }

            return null;
        }

        if (member.ValueKind == kind)
        {
            return member;
        }

        Fault(name, problem);
        return null;
    }
}
