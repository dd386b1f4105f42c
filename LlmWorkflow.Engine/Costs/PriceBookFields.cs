using System.Globalization;
using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.Costs;

/// <summary>An object of the price book: reads its members, and notes what is wrong with them.</summary>
/// <param name="value">The object.</param>
/// <param name="path">Where it stands.</param>
/// <param name="faults">Takes what is wrong.</param>
internal sealed class PriceBookFields(JsonElement value, IReadOnlyList<string> path, List<PriceFault> faults)
{
    // A hundred times the dearest model.
    private const decimal MostUsd = 10_000;

    private const string WrongDate = "must be a date such as \"2026-10-07\" (UTC)";

    private static readonly string s_amount = string.Create(CultureInfo.InvariantCulture, $"must be a number from 0 to {MostUsd:N0}");

    /// <summary>Notes members of other names; false when this is no object at all.</summary>
    public bool Allow(params IReadOnlyCollection<string> names)
    {
        if (value.ValueKind is not JsonValueKind.Object)
        {
            faults.Add(new(path, PriceFaultKind.InvalidValue, "must be an object"));
            return false;
        }

        foreach (var property in value.EnumerateObject().Where(property => !names.Contains(property.Name)))
        {
            faults.Add(new([.. path, property.Name], PriceFaultKind.UnknownProperty, "is unknown", NearestNames.Suggest(property.Name, names)));
        }

        return true;
    }

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
    public IReadOnlyList<string> Texts(string name)
    {
        var items = Items(name);
        if (items.All(item => item.Value.ValueKind is JsonValueKind.String && item.Value.GetString() is { Length: > 0 }))
        {
            return [.. items.Select(item => item.Value.GetString()!)];
        }

        Fault(name, "must be a list of texts");
        return [];
    }

    /// <summary>A text; null when there is none.</summary>
    public string? Text(string name) => Member(name, JsonValueKind.String, "must be a text", false)?.GetString();

    /// <summary>An amount in USD; null when there is none.</summary>
    public decimal? Amount(string name, bool required = false)
    {
        if (Member(name, JsonValueKind.Number, s_amount, required) is not { } member)
        {
            return null;
        }

        if (member.TryGetDecimal(out var number) && number is >= 0 and <= MostUsd)
        {
            return number;
        }

        Fault(name, s_amount);
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

    /// <summary>A date; null when there is none.</summary>
    public DateTimeOffset? Date(string name)
    {
        if (Member(name, JsonValueKind.String, WrongDate, false) is not { } member)
        {
            return null;
        }

        if (IsoTime.TryParse(member.GetString()!, out var time))
        {
            return time;
        }

        Fault(name, WrongDate);
        return null;
    }

    /// <summary>True only if it says so.</summary>
    public bool Flag(string name)
    {
        if (value.TryGetProperty(name, out var flag) && flag.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
        {
            Fault(name, "must be true or false");
        }

        return flag.ValueKind is JsonValueKind.True;
    }

    /// <summary>Notes what is wrong with a member.</summary>
    public void Fault(string name, string problem, string? suggestion = null) => faults.Add(new([.. path, name], PriceFaultKind.InvalidValue, problem, suggestion));

    private JsonElement? Member(string name, JsonValueKind kind, string problem, bool required)
    {
        if (!value.TryGetProperty(name, out var member))
        {
            if (required)
            {
                faults.Add(new([.. path, name], PriceFaultKind.MissingProperty, "is missing"));
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
