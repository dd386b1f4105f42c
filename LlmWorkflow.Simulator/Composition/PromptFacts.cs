using System.Text.Json;
using System.Text.RegularExpressions;

namespace LlmWorkflow.Simulator.Composition;

/// <summary>Something named in the prompt: a place, a person, an organisation.</summary>
internal sealed record NamedItem(string Name)
{
    public string? Address { get; init; }

    public string? Phone { get; init; }

    /// <summary>Such as <c>fire_station</c>.</summary>
    public string? Kind { get; init; }

    public string? Website { get; init; }

    public string? Rating { get; init; }

    public bool HasContact => Address is not null || Phone is not null;
}

/// <summary>What a reply can be built from: the named items in the prompt's JSON and lists, and the place it is about.</summary>
internal sealed partial record PromptFacts(IReadOnlyList<NamedItem> Items, string? Place)
{
    public static PromptFacts Read(IReadOnlyList<string> messages)
    {
        var json = messages.SelectMany(JsonFragments.Find).ToList();
        try
        {
            var items = json.SelectMany(fragment => JsonItems.Find(fragment.RootElement))
                .Concat(messages.SelectMany(ListItems.Find))
                .DistinctBy(item => item.Name, StringComparer.OrdinalIgnoreCase)
                .ToList();
            return new PromptFacts(items, FindPlace(string.Join('\n', messages)));
        }
        finally
        {
            json.ForEach(fragment => fragment.Dispose());
        }
    }

    private static string? FindPlace(string text)
    {
        var city = CityLabel().Match(text);
        var state = StateLabel().Match(text);
        if (city.Success)
        {
            var name = city.Groups["value"].Value.Trim();
            return state.Success && !name.Contains(',', StringComparison.Ordinal) ? $"{name}, {state.Groups["value"].Value.Trim()}" : name;
        }

        var inline = InlinePlace().Match(text);
        return inline.Success ? inline.Groups["value"].Value : null;
    }

    [GeneratedRegex(@"\b(?i:city(?:\s*[/,&]\s*state)?|location)[""*]*\s*[:=]\s*[""*]*\s*(?<value>[A-Z][A-Za-z.' -]{1,40}(?:, ?[A-Z][A-Za-z ]{1,20})?)")]
    private static partial Regex CityLabel();

    [GeneratedRegex(@"\b(?i:state)[""*]*\s*[:=]\s*[""*]*\s*(?<value>[A-Z][A-Za-z ]{1,20})")]
    private static partial Regex StateLabel();

    [GeneratedRegex(@"\b(?:in|near|around|for|of)\s+\**(?<value>[A-Z][a-z.'-]+(?: [A-Z][a-z.'-]+){0,2}, ?(?:[A-Z]{2}\b|[A-Z][a-z]+(?: [A-Z][a-z]+)?))")]
    private static partial Regex InlinePlace();
}

/// <summary>JSON objects and arrays embedded in text.</summary>
internal static class JsonFragments
{
    // Every brace that never closes costs a scan to the end of the text: so many of them are put up with.
    private const int MostScans = 20;

    public static IEnumerable<JsonDocument> Find(string text)
    {
        var position = 0;
        var budget = (long)MostScans * text.Length;
        while (budget > 0 && (position = text.AsSpan(position).IndexOfAny('{', '[') is var next and >= 0 ? position + next : -1) >= 0)
        {
            if (TryParse(text.AsSpan(position), ref budget, out var fragment, out var length))
            {
                yield return fragment!;
                position += length;
            }
            else
            {
                position++;
            }
        }
    }

    private static bool TryParse(ReadOnlySpan<char> text, ref long budget, out JsonDocument? fragment, out int length)
    {
        (fragment, length) = (null, 0);
        var end = Balanced(text);
        budget -= end < 0 ? text.Length : end;
        if (end < 0)
        {
            return false;
        }

        try
        {
            fragment = JsonDocument.Parse(text[..end].ToString());
            length = end;
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    // Braces in prose are common: only what closes again is worth a parser.
    private static int Balanced(ReadOnlySpan<char> text)
    {
        var depth = 0;
        var quoted = false;
        for (var i = 0; i < text.Length; i++)
        {
            switch (text[i])
            {
                case '\\' when quoted:
                    i++;
                    break;
                case '"':
                    quoted = !quoted;
                    break;
                case '{' or '[' when !quoted:
                    depth++;
                    break;
                case '}' or ']' when !quoted && --depth == 0:
                    return i + 1;
                default:
                    break;
            }
        }

        return -1;
    }
}
