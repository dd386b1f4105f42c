using System.Text;
using System.Text.RegularExpressions;
using Markdig.Syntax;

namespace LlmWorkflow.Engine.Transforms;

/// <summary>A section that a definition asks for.</summary>
/// <param name="Name">Its key in the result.</param>
/// <param name="Headings">Headings that it may stand under.</param>
internal sealed record AskedSection(string Name, IReadOnlyList<string> Headings);

/// <summary>Finds asked sections by heading, loosely: case, marks, numbering, emoji and plural do not matter, and a heading may say more.</summary>
internal static partial class MarkdownHeadings
{
    private const int BoldLevel = 7;

    private const int LongestUnderlined = 80;

    /// <summary>Which blocks start a section when every heading does: headings with <c>#</c>; in a text that has none, underlined and bold lines too.</summary>
    public static Predicate<Block> Starts(IReadOnlyList<Block> blocks) => blocks.Any(block => block is HeadingBlock { IsSetext: false })
        ? MarkdownBlocks.IsHeading
        : block => block switch
        {
            HeadingBlock { IsSetext: true, Level: 2 } => Text(block) is { Length: <= LongestUnderlined } line && !line.Contains('\n', StringComparison.Ordinal),
            ParagraphBlock { Inline: { } line } => MarkdownInlines.BoldLine(line) is { Length: > 0 },
            _ => MarkdownBlocks.IsHeading(block),
        };

    /// <summary>The text of a heading or of a bold line; null for any other block.</summary>
    public static string? Text(Block block) => block switch
    {
        HeadingBlock heading => MarkdownInlines.Text(heading.Inline),
        ParagraphBlock { Inline: { } line } => MarkdownInlines.BoldLine(line),
        _ => null,
    };

    /// <summary>Without a number such as <c>1.</c>, <c>2)</c> or <c>1.3.</c> in front.</summary>
    public static string WithoutNumber(string text) => Number().Replace(text, "");

    /// <summary>Index of each heading block that starts an asked section, with the section's name.</summary>
    public static IReadOnlyDictionary<int, string> Match(IReadOnlyList<Block> blocks, IReadOnlyList<AskedSection> asked)
    {
        List<(int Index, string Name, int Rank)> matches = [];
        for (int i = 0; i < blocks.Count; i++)
        {
            if (Heading(blocks[i]) is { } text && Best(Words(text), asked) is { } best && (IsMarked(blocks[i]) || best.Rank == int.MaxValue))
            {
                matches.Add((i, best.Name, best.Rank));
            }
        }

        // A title such as "Your Emergency Contacts" gives way to a heading that says just that.
        return matches
            .Where(match => match.Rank == int.MaxValue || !matches.Exists(other => other.Name == match.Name && other.Rank > match.Rank))
            .ToDictionary(match => match.Index, match => match.Name);
    }

    /// <summary>The blocks from a heading to the next asked one, or to one of its own level or above.</summary>
    public static IEnumerable<Block> Body(IReadOnlyList<Block> blocks, int start, IReadOnlyDictionary<int, string> starts)
    {
        int level = Level(blocks[start]);
        for (int i = start + 1; i < blocks.Count && !starts.ContainsKey(i); i++)
        {
            if (MarkdownBlocks.IsHeading(blocks[i]) && Level(blocks[i]) <= level)
            {
                yield break;
            }

            yield return blocks[i];
        }
    }

    private static int Level(Block block) => block is HeadingBlock heading ? heading.Level : BoldLevel;

    private static bool IsMarked(Block block) => block is HeadingBlock;

    /// <summary>The text of a heading, or of a line that may stand for one: all bold, or ending in a colon.</summary>
    private static string? Heading(Block block) => block switch
    {
        ParagraphBlock { Inline: { } line } => Text(block) ?? (MarkdownInlines.Text(line) is var text && text.EndsWith(':') ? text : null),
        _ => Text(block),
    };

    private static (string Name, int Rank)? Best(List<string> heading, IReadOnlyList<AskedSection> asked)
    {
        List<(string Name, int Rank)> ranked = [.. asked
            .Select(section => (section.Name, Rank: section.Headings.Select(alternative => Rank(heading, Words(alternative))).DefaultIfEmpty().Max()))
            .Where(section => section.Rank > 0)
            .OrderByDescending(section => section.Rank)];

        // A title that names two sections starts neither.
        return ranked.Count == 0 || (ranked.Count > 1 && ranked[0].Rank == ranked[1].Rank) ? null : ranked[0];
    }

    /// <summary>Highest when both say the same, else the number of words asked for if the heading has them in a row, else 0.</summary>
    private static int Rank(List<string> heading, List<string> asked)
    {
        if (asked.Count == 0 || heading.Count < asked.Count)
        {
            return 0;
        }

        if (heading.SequenceEqual(asked))
        {
            return int.MaxValue;
        }

        return Enumerable.Range(0, heading.Count - asked.Count + 1).Any(at => heading.Skip(at).Take(asked.Count).SequenceEqual(asked)) ? asked.Count : 0;
    }

    private static List<string> Words(string text)
    {
        StringBuilder plain = new();
        foreach (char letter in text.Replace("&", " and ", StringComparison.Ordinal))
        {
            plain.Append(char.IsLetterOrDigit(letter) ? char.ToLowerInvariant(letter) : letter is '\'' or '’' ? '\'' : ' ');
        }

        List<string> words = [.. plain.ToString().Replace("'", "", StringComparison.Ordinal).Split(' ', StringSplitOptions.RemoveEmptyEntries)];
        int numbers = words.TakeWhile(word => word.All(char.IsAsciiDigit)).Count();
        return [.. words.Skip(numbers == words.Count ? 0 : numbers).Select(word => word.Length > 3 ? word.TrimEnd('s') : word)];
    }

    [GeneratedRegex(@"^[^\p{L}\p{N}]*\d+(\.\d+)*[.)]\s+(?=\S)", RegexOptions.CultureInvariant)]
    private static partial Regex Number();
}
