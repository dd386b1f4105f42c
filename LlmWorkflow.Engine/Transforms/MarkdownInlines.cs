using System.Text;
using Markdig.Syntax.Inlines;

namespace LlmWorkflow.Engine.Transforms;

/// <summary>A line of markdown read as an entry: text, then labels with values.</summary>
/// <param name="Lead">The text before the first label; all of it when there is no label.</param>
/// <param name="Labels">From <c>**Label:** value</c> and <c>**Label**: value</c>, in order.</param>
internal sealed record MarkdownEntry(string Lead, IReadOnlyList<(string Label, string Value)> Labels);

/// <summary>Reads inline markdown: plain text and bold labels.</summary>
internal static class MarkdownInlines
{
    private const int LongestLabel = 60;

    private static readonly char[] s_separators = [' ', '\n', '\t', '|', ',', ';', '•', '·', '-', '–', '—'];

    /// <summary>The text without marks; a link whose text is not its address keeps the address in parentheses.</summary>
    public static string Text(Inline? inline)
    {
        StringBuilder text = new();
        Append(inline, text);
        return text.ToString().Trim();
    }

    /// <summary>The text when all of it is bold (a colon may follow), as in a line that stands for a heading; else null.</summary>
    public static string? BoldLine(ContainerInline? line)
    {
        if (line?.FirstChild is not EmphasisInline { DelimiterCount: >= 2 } bold)
        {
            return null;
        }

        StringBuilder rest = new();
        for (Inline? next = bold.NextSibling; next is not null; next = next.NextSibling)
        {
            Append(next, rest);
        }

        return rest.ToString().Trim() is "" or ":" ? TrimColon(Text(bold)) : null;
    }

    /// <summary>Splits a line at its bold labels.</summary>
    public static MarkdownEntry Entry(ContainerInline? line)
    {
        StringBuilder lead = new();
        List<(string Label, StringBuilder Value)> labels = [];
        for (Inline? inline = line?.FirstChild; inline is not null; inline = inline.NextSibling)
        {
            StringBuilder current = labels.Count == 0 ? lead : labels[^1].Value;
            if (Label(inline) is { } label && EndsAtBoundary(current))
            {
                labels.Add((label, new StringBuilder()));
            }
            else
            {
                Append(inline, current);
            }
        }

        return new MarkdownEntry(
            labels.Count == 0 ? lead.ToString().Trim() : TrimColon(lead.ToString().Trim(s_separators)),
            [.. labels.Select(label => (label.Label, label.Value.ToString().TrimStart(' ', ':', '\n').TrimEnd(s_separators)))]);
    }

    /// <summary>Without the colon that ends a heading or label.</summary>
    public static string TrimColon(string text) => text.TrimEnd(' ', ':', '：');

    private static string? Label(Inline inline)
    {
        if (inline is not EmphasisInline { DelimiterCount: >= 2 } bold)
        {
            return null;
        }

        string text = Text(bold);
        bool hasColon = text.EndsWith(':') || text.EndsWith('：')
            || (bold.NextSibling is LiteralInline next && next.Content.ToString().TrimStart().StartsWith(':'));
        string label = TrimColon(text);
        return hasColon && label.Length is > 0 and <= LongestLabel ? label : null;
    }

    private static bool EndsAtBoundary(StringBuilder before)
    {
        string text = before.ToString().TrimEnd(' ');
        return text.Length == 0 || (Array.IndexOf(s_separators, text[^1]) > 0) || text == ":";
    }

    private static void Append(Inline? inline, StringBuilder text)
    {
        switch (inline)
        {
            case LiteralInline literal:
                text.Append(literal.Content.ToString());
                break;
            case CodeInline code:
                text.Append(code.Content);
                break;
            case LineBreakInline:
                text.Append('\n');
                break;
            case AutolinkInline link:
                text.Append(link.Url);
                break;
            case HtmlEntityInline entity:
                text.Append(entity.Transcoded.ToString());
                break;
            case HtmlInline { Tag: "<br>" or "<br/>" or "<br />" }:
                text.Append('\n');
                break;
            case HtmlInline html:
                text.Append(html.Tag);
                break;
            case LinkInline link:
                AppendLink(link, text);
                break;
            case ContainerInline container:
                foreach (Inline child in container)
                {
                    Append(child, text);
                }

                break;
            default:
                break;
        }
    }

    private static void AppendLink(LinkInline link, StringBuilder text)
    {
        int from = text.Length;
        foreach (Inline child in link)
        {
            Append(child, text);
        }

        string shown = text.ToString(from, text.Length - from);
        string url = link.Url ?? "";
        bool isWeb = url.StartsWith("http", StringComparison.OrdinalIgnoreCase);
        if (shown.Length == 0)
        {
            text.Append(url);
        }
        else if (isWeb && !url.Contains(shown, StringComparison.OrdinalIgnoreCase) || isWeb && shown.Length < 4)
        {
            text.Append(" (").Append(url).Append(')');
        }
        else if (isWeb)
        {
            text.Length = from;
            text.Append(url);
        }
    }
}
