using System.Globalization;
using System.Text.Json;

namespace LlmWorkflow.Engine.Costs;

/// <summary>Members of a usage block, whatever was sent: none of these throws for a wrong kind or a senseless number.</summary>
internal static class UsageMembers
{
    // More than any model takes in a lifetime; a larger count is a fault of the sender, and would not fit the ledger's columns once priced.
    private const long MostTokens = 1_000_000_000;

    private const decimal MostUsd = 1_000_000;

    /// <summary>The member; Undefined when there is none, or this is no object.</summary>
    public static JsonElement Member(this JsonElement value, string name) =>
        value.ValueKind is JsonValueKind.Object && value.TryGetProperty(name, out var member) ? member : default;

    /// <summary>Whether one of the members is there and not null.</summary>
    public static bool Has(this JsonElement value, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (value.Member(name).ValueKind is not (JsonValueKind.Undefined or JsonValueKind.Null))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>A count: a number, or a text that is one. 0 when it is none, negative or beyond all measure; fractions are cut off.</summary>
    public static long Count(this JsonElement value, string name) => Number(value.Member(name)) is >= 0 and <= MostTokens and var number ? (long)number : 0;

    /// <summary>An amount; null when it is none, negative or beyond all measure.</summary>
    public static decimal? Usd(this JsonElement value, string name) => Number(value.Member(name)) is >= 0 and <= MostUsd and var number ? number : null;

    /// <summary>A short word of letters, digits, <c>_</c>, <c>-</c> and <c>.</c>, in lower case; null when it is something else.</summary>
    public static string? Word(this JsonElement value, string name)
    {
        // The raw text: a text with half a surrogate pair cannot be decoded, and a word has no escapes.
        return value.Member(name) is { ValueKind: JsonValueKind.String } member && member.GetRawText() is { Length: > 2 and <= 66 } raw
            && raw[1..^1] is var word && word.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '_' or '-' or '.')
            ? word.ToLowerInvariant()
            : null;
    }

    private static decimal? Number(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number when value.TryGetDecimal(out var number) => number,
        JsonValueKind.String when decimal.TryParse(value.GetRawText().AsSpan().Trim('"'), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) => number,
        _ => null,
    };
}
