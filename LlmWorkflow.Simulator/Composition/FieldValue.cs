using System.Globalization;

namespace LlmWorkflow.Simulator.Composition;

/// <summary>A plausible value for a labelled field of a named item, by what the label says.</summary>
internal static class FieldValue
{
    private const string Unknown = "Not listed";

    public static string Of(string label, IReadOnlyList<string> choices, NamedItem item, int index, PromptFacts facts)
    {
        if (choices.Count > 0)
        {
            return Choose(label, choices, item, index);
        }

        return label.ToUpperInvariant() switch
        {
            var l when Has(l, "PHONE", "TEL", "NUMBER", "CALL") => item.Phone ?? Unknown,
            var l when Has(l, "ADDRESS", "STREET", "WHERE") => item.Address ?? facts.Place ?? Unknown,
            var l when Has(l, "PRIORITY", "URGENCY", "IMPORTANCE") => Priority(index),
            var l when Has(l, "RANK", "ORDER") => (index + 1).ToString(CultureInfo.InvariantCulture),
            var l when Has(l, "WEBSITE", "URL", "LINK") => item.Website ?? Unknown,
            var l when Has(l, "EMAIL", "E-MAIL") => Unknown,
            var l when Has(l, "RATING", "SCORE") => item.Rating ?? Unknown,
            var l when Has(l, "DISTANCE") => string.Create(CultureInfo.InvariantCulture, $"{0.4 + (index * 0.3):0.0} miles"),
            var l when Has(l, "HOURS", "AVAILAB") => item.Kind is null || Has(Kind(item).ToUpperInvariant(), "HOSPITAL", "POLICE", "FIRE") ? "24 hours a day" : "Daytime",
            var l when Has(l, "TYPE", "CATEGORY", "KIND", "RELATION") => Kind(item),
            var l when Has(l, "NAME", "CONTACT", "ORGANI", "AGENCY", "FACILITY", "LOCATION", "PLACE", "TITLE") => item.Name,
            _ => Sentence(item, facts),
        };
    }

    public static string Sentence(NamedItem item, PromptFacts facts) =>
        $"{item.Name} ({Kind(item).ToLowerInvariant()}) is close by{(facts.Place is null ? "" : $" in {facts.Place}")} and easy to reach in an emergency.";

    private static string Choose(string label, IReadOnlyList<string> choices, NamedItem item, int index)
    {
        var about = $"{item.Kind} {item.Name}";
        if (Has(about.ToUpperInvariant(), "HOSPITAL", "CLINIC", "DOCTOR", "PHARMACY", "POISON"))
        {
            about += " medical health";
        }

        if (choices.FirstOrDefault(choice => about.Contains(choice, StringComparison.OrdinalIgnoreCase)) is { } named)
        {
            return named;
        }

        if (choices[0].Equals("primary", StringComparison.OrdinalIgnoreCase))
        {
            return choices[Math.Min(index, choices.Count - 1)];
        }

        // A kind that is none of those named is whatever the list ends with, such as "other"; a grade falls from item to item.
        return Has(label.ToUpperInvariant(), "TYPE", "CATEGORY", "KIND") ? choices[^1] : choices[Math.Min(index / 2, choices.Count - 1)];
    }

    private static string Priority(int index) => index switch
    {
        < 2 => "High",
        < 5 => "Medium",
        _ => "Low",
    };

    private static string Kind(NamedItem item)
    {
        var kind = (item.Kind ?? "service").Replace('_', ' ').Trim();
        return kind.Length == 0 ? "Service" : char.ToUpperInvariant(kind[0]) + kind[1..];
    }

    private static bool Has(string label, params ReadOnlySpan<string> words)
    {
        foreach (var word in words)
        {
            if (label.Contains(word, StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }
}
