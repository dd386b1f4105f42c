using System.Globalization;
using System.Text.RegularExpressions;

namespace LlmWorkflow.Simulator.Composition;

/// <summary>A section that the prompt asks for.</summary>
/// <param name="Heading">The heading as asked for, hashes included.</param>
/// <param name="Title">The heading's text.</param>
/// <param name="Labels">The labels that each item shall carry (<c>**Phone:**</c>), in order; empty when none were shown.</param>
/// <param name="Bulleted">Labels after an item's first stand in bullets of their own, not in plain lines.</param>
internal sealed record RequestedSection(string Heading, string Title, IReadOnlyList<RequestedLabel> Labels, bool Bulleted);

/// <summary>A label an item shall carry.</summary>
/// <param name="Text">Such as <c>Phone</c>.</param>
/// <param name="Choices">The values that the prompt allows (<c>high | medium | low</c>); empty when it names none.</param>
internal sealed record RequestedLabel(string Text, IReadOnlyList<string> Choices);

/// <summary>
/// Finds the markdown headings that a prompt asks the reply to have. In this order: headings inside a fenced example, headings
/// quoted in a line or list item, headings after a line that speaks of the reply's format.
/// </summary>
internal static partial class PromptOutline
{
    public static IReadOnlyList<RequestedSection> Read(IReadOnlyList<string> messages)
    {
        Func<string, IEnumerable<RequestedSection>>[] places = [InFences, Quoted, AfterCue];
        foreach (var place in places)
        {
            var found = messages.SelectMany(place).DistinctBy(section => section.Title, StringComparer.OrdinalIgnoreCase).ToList();
            if (found.Count > 0)
            {
                return found;
            }
        }

        return [];
    }

    private static IEnumerable<RequestedSection> InFences(string message) => Fence().Matches(message)
        .Where(fence => fence.Groups["language"].Value.ToUpperInvariant() is "" or "MARKDOWN" or "MD" or "TEXT")
        .SelectMany(fence => Sections(fence.Groups["body"].Value.Split('\n')));

    private static IEnumerable<RequestedSection> Quoted(string message)
    {
        var lines = message.Split('\n');
        for (var i = 0; i < lines.Length; i++)
        {
            foreach (Match match in QuotedHeading().Matches(lines[i]))
            {
                var body = lines.Skip(i).Take(1).Concat(lines.Skip(i + 1).TakeWhile(line => !QuotedHeading().IsMatch(line) && !Heading().IsMatch(line)));
                yield return Section(match.Groups["hashes"].Value, match.Groups["title"].Value, body);
            }
        }
    }

    private static List<RequestedSection> AfterCue(string message)
    {
        var lines = message.Split('\n');
        for (var cue = lines.Length - 1; cue >= 0; cue--)
        {
            if (Cue().IsMatch(lines[cue]) && !IsRequestedHeading(lines[cue]) && SectionsAfter(lines.AsSpan(cue + 1).ToArray()) is { Count: > 0 } sections)
            {
                return sections;
            }
        }

        return [];
    }

    private static List<RequestedSection> SectionsAfter(string[] lines)
    {
        var first = lines.Select(line => Heading().Match(line)).FirstOrDefault(match => match.Success);
        // A heading above the requested ones begins the next part of the prompt.
        return first is null ? [] : [.. Sections(lines.TakeWhile(line =>
            Heading().Match(line) is not { Success: true } match || match.Groups["hashes"].Length >= first.Groups["hashes"].Length))];
    }

    private static bool IsRequestedHeading(string line) => Heading().IsMatch(line) && !FormatHeading().IsMatch(line);

    private static IEnumerable<RequestedSection> Sections(IEnumerable<string> lines)
    {
        (string Hashes, string Title)? open = null;
        var body = new List<string>();
        foreach (var line in lines)
        {
            var match = Heading().Match(line);
            if (!match.Success || Placeholder().IsMatch(match.Groups["title"].Value))
            {
                body.Add(line);
                continue;
            }

            if (open is { } done)
            {
                yield return Section(done.Hashes, done.Title, body);
            }

            open = (match.Groups["hashes"].Value, match.Groups["title"].Value);
            body.Clear();
        }

        if (open is { } last)
        {
            yield return Section(last.Hashes, last.Title, body);
        }
    }

    private static RequestedSection Section(string hashes, string title, IEnumerable<string> body)
    {
        title = TrailingNote().Replace(title, "").Trim(' ', '*', ':', '"', '`');
        var lines = body.ToList();
        var labels = lines.SelectMany(line => Label().Matches(line))
            .Select(match => new RequestedLabel(match.Groups["label"].Value.Trim(), Choices(match.Groups["value"].Value)))
            .DistinctBy(label => label.Text, StringComparer.OrdinalIgnoreCase)
            .ToList();
        return new RequestedSection($"{hashes} {title}", title, labels, Bulleted: !lines.Exists(line => PlainLabel().IsMatch(line)));
    }

    private static string[] Choices(string value)
    {
        if (NumberRange().Match(value) is { Success: true } range)
        {
            var (from, to) = (int.Parse(range.Groups["from"].Value, CultureInfo.InvariantCulture), int.Parse(range.Groups["to"].Value, CultureInfo.InvariantCulture));
            return from < to ? [.. Enumerable.Range(from, to - from + 1).Select(number => number.ToString(CultureInfo.InvariantCulture))] : [];
        }

        var choices = ChoiceSeparator().Split(value.Trim().Trim('[', ']', '(', ')', '<', '>', '{', '}', '.'));
        return choices.Length > 1 && Array.TrueForAll(choices, choice => ChoiceWord().IsMatch(choice)) ? choices : [];
    }

    [GeneratedRegex(@"^[ \t]*(?<fence>```+|~~~+)[ \t]*(?<language>\w*)[^\n]*\n(?<body>.*?)^[ \t]*\k<fence>", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();

    [GeneratedRegex(@"^ {0,3}(?<hashes>#{1,6})[ \t]+(?<title>\S.*?)[ \t#\r]*$")]
    private static partial Regex Heading();

    [GeneratedRegex(@"`(?<hashes>#{1,6})[ \t]+(?<title>[^`\n]+)`|""(?<hashes>#{1,6})[ \t]+(?<title>[^""\n]+)""|^\s*(?:[-*+]|\d+[.)])\s+\**(?<hashes>#{1,6})[ \t]+(?<title>[^:\n\r]+?)\**\s*(?::|\r?$| [-–—] )")]
    private static partial Regex QuotedHeading();

    [GeneratedRegex(@"\b(format|structure|respond|response|reply|answer|return|output|produce|write|include|use|provide)\b.*\b(headings?|sections?|markdown|format|structure|template|following|exactly|below)\b|^\s*#{1,6}\s.*\b(output|response|reply|answer)\b|^\s*#{1,6}\s+(required\s+)?(format|structure|sections)\b", RegexOptions.IgnoreCase)]
    private static partial Regex Cue();

    [GeneratedRegex(@"^\s*#{1,6}\s.*\b(output|response|reply|answer|format|structure|sections)\b", RegexOptions.IgnoreCase)]
    private static partial Regex FormatHeading();

    [GeneratedRegex(@"^[\[{<]|[\]}>]$|^\.\.\.")]
    private static partial Regex Placeholder();

    [GeneratedRegex(@"\s*\([^)]*\)\s*$")]
    private static partial Regex TrailingNote();

    [GeneratedRegex(@"\*\*(?<label>[^*:\n]{1,40}):?\*\*:?[ \t]*(?<value>[^*\n\r]*)|^\s*[-*+][ \t]+(?<label>[A-Z][A-Za-z /]{1,30}):[ \t]*(?<value>[^\n\r]*)")]
    private static partial Regex Label();

    [GeneratedRegex(@"\s*[|/,]\s*(?:or\s+)?|\s+or\s+")]
    private static partial Regex ChoiceSeparator();

    // "the address, if known" describes a value; it does not list any.
    [GeneratedRegex(@"^(?!(?:the|a|an|if|one|why|how|what|where|when|your|and|its)\b)[\w-]+(?: [\w-]+){0,2}$", RegexOptions.IgnoreCase)]
    private static partial Regex ChoiceWord();

    [GeneratedRegex(@"^\W*(?<from>\d{1,2})(?:\s*\([^)]*\))?\s*(?:-|–|to)\s*(?<to>\d{1,2})\b", RegexOptions.IgnoreCase)]
    private static partial Regex NumberRange();

    [GeneratedRegex(@"^\s+\*\*[^*\n]+\*\*")]
    private static partial Regex PlainLabel();
}
