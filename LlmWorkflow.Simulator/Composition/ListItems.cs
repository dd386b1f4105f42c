using System.Text.RegularExpressions;

namespace LlmWorkflow.Simulator.Composition;

/// <summary>
/// Named things in a prompt's lists, headings and tables. Only what has a phone number or an address counts, so that instructions
/// are not taken for data, and what describes a value (<c>**Name:** the name</c>) is none; nested or following <c>Label: value</c> lines belong to the item above.
/// </summary>
internal static partial class ListItems
{
    private const int LongestName = 80;

    private static readonly HashSet<string> FieldNames = new(StringComparer.Ordinal)
    {
        "ADDRESS", "PHONE", "PHONE NUMBER", "TEL", "TELEPHONE", "TYPE", "CATEGORY", "WEBSITE", "RATING", "RELATIONSHIP",
    };

    public static IEnumerable<NamedItem> Find(string text)
    {
        var found = new List<NamedItem>();
        var (inItem, indent) = (false, 0);
        foreach (var line in text.Split('\n'))
        {
            var item = Item().Match(line);
            if (!item.Success)
            {
                continue;
            }

            var depth = item.Groups["indent"].Length;
            var marked = item.Groups["mark"].Length > 0;
            var body = item.Groups["body"].Value.Replace("**", "", StringComparison.Ordinal).Trim();
            var field = Field().Match(body);
            if (inItem && (depth > indent || !marked) && field.Success && FieldNames.Contains(Label(field)))
            {
                found[^1] = WithField(found[^1], field);
                continue;
            }

            (inItem, indent) = (false, depth);
            if (marked && Read(body) is { } named)
            {
                found.Add(named);
                inItem = true;
            }
        }

        return found.Where(item => item.HasContact);
    }

    private static NamedItem WithField(NamedItem item, Match field)
    {
        var value = field.Groups["value"].Value.Trim();
        if (value.Length == 0 || Placeholder().IsMatch(value) || Description().IsMatch(value))
        {
            return item;
        }

        return Label(field) switch
        {
            "ADDRESS" => item with { Address = value },
            "PHONE" or "PHONE NUMBER" or "TEL" or "TELEPHONE" => value.Any(char.IsAsciiDigit) ? item with { Phone = value } : item,
            "WEBSITE" => item with { Website = value },
            "RATING" => item with { Rating = value },
            _ => item with { Kind = value },
        };
    }

    private static string Label(Match field) => field.Groups["label"].Value.Trim().ToUpperInvariant();

    private static NamedItem? Read(string body)
    {
        if (Placeholder().IsMatch(body))
        {
            return null;
        }

        body = NameLabel().Replace(body, "");
        var name = Separator().Split(body, 2)[0].Trim(' ', '|', '*', '`', '"', ':', ',');
        if (name.Length is 0 or > LongestName || !char.IsLetterOrDigit(name[0]) || Description().IsMatch(name))
        {
            return null;
        }

        if (LoneCode().IsMatch(name))
        {
            return new NamedItem("Emergency services") { Phone = name };
        }

        var rest = body[Math.Min(body.Length, body.IndexOf(name, StringComparison.Ordinal) + name.Length)..];
        var phone = Phone().Match(rest);
        var shortCode = ShortCode().Match(rest);
        var address = Address().Match(phone.Success ? rest.Replace(phone.Value, " ", StringComparison.Ordinal) : rest);
        return new NamedItem(name)
        {
            Phone = phone.Success ? phone.Value : shortCode.Success ? shortCode.Groups["code"].Value : null,
            Address = address.Success ? address.Value.Trim(' ', ',', '|', '-', '(', ')') : null,
            Kind = Kind().Match(rest) is { Success: true } kind ? kind.Groups["kind"].Value : null,
        };
    }

    [GeneratedRegex(@"^(?<indent>\s*)(?<mark>[-*+•]\s+|\d+[.)]\s+|#{1,6}\s+|\|\s*)?(?<body>\S.*?)\r?$")]
    private static partial Regex Item();

    [GeneratedRegex(@"^(?<label>[A-Za-z ]{2,24}):\s*(?<value>.*)$")]
    private static partial Regex Field();

    [GeneratedRegex(@"^(?:name|contact|place|location)\s*:\s*", RegexOptions.IgnoreCase)]
    private static partial Regex NameLabel();

    [GeneratedRegex(@"\s[-–—|]\s|\s*[:;|(\t]|,\s|\s\|")]
    private static partial Regex Separator();

    [GeneratedRegex(@"(?:\+?\d{1,3}[ .-])?(?:\(\d{2,4}\)|\d{2,4})[ .-]\d{3}[ .-]\d{3,4}\b")]
    private static partial Regex Phone();

    [GeneratedRegex(@"^\s*[-–—:|(]+\s*(?<code>911|988|211|311|112|999)\b")]
    private static partial Regex ShortCode();

    [GeneratedRegex("^(?:911|988|112|999)$")]
    private static partial Regex LoneCode();

    [GeneratedRegex(@"\b\d{1,6}\s+(?:[NSEW]\.?\s+)?[A-Z0-9][A-Za-z0-9.'-]*(?:\s+[A-Z0-9][A-Za-z0-9.'#-]*)*(?:,\s*[A-Z][A-Za-z.'-]*(?: [A-Z][A-Za-z.'-]*)*)*(?:\s+\d{5}(?:-\d{4})?)?(?:,\s*USA)?")]
    private static partial Regex Address();

    [GeneratedRegex(@"\((?<kind>[a-z][a-z_ ]{2,40})(?:,[^)]*)?\)|\[(?<kind>[a-z][a-z_ ]{2,40})\]|type:\s*(?<kind>[a-z][a-z_ ]{2,40})", RegexOptions.IgnoreCase)]
    private static partial Regex Kind();

    [GeneratedRegex(@"^[^:]*:?\s*[\[{<](?!/)|\.\.\.\s*$|\{\{")]
    private static partial Regex Placeholder();

    // Names and addresses begin with a capital or a digit; "The Oaks" is one, "the name" is not.
    [GeneratedRegex(@"^(?:the|a|an|its|their|your|if|one|why|how|what|where|when|which|name|full|phone|street|address)\b")]
    private static partial Regex Description();
}
