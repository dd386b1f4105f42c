using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Markdig.Extensions.Tables;
using Markdig.Syntax;

namespace LlmWorkflow.Engine.Transforms;

/// <summary>Turns the blocks of a section into a value. The rules are those that docs and tests of <c>markdown_to_json</c> state.</summary>
/// <param name="source">The markdown.</param>
/// <param name="toKey">Makes a key of a heading, label or column.</param>
internal sealed class MarkdownBlocks(string source, Func<string, string> toKey)
{
    // Model output wraps lists in a sentence or two; more prose than this is content, and then the section stays text.
    private const int LongestIntroduction = 200;

    private static readonly JsonDocumentOptions s_lenient = new() { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip };

    /// <summary>The value of a section: subsections by heading, records, a list, JSON, or text; null when it is empty.</summary>
    public JsonNode? Value(IReadOnlyList<Block> blocks)
    {
        int first = IndexOfHeading(blocks, 0, int.MaxValue);
        if (first < 0)
        {
            return Content(blocks);
        }

        JsonObject sections = [];
        if (Content([.. blocks.Take(first)]) is { } content)
        {
            sections["content"] = content;
        }

        while (first >= 0)
        {
            HeadingBlock heading = (HeadingBlock)blocks[first];
            int next = IndexOfHeading(blocks, first + 1, heading.Level);
            int end = next < 0 ? blocks.Count : next;
            Add(sections, toKey(MarkdownInlines.Text(heading.Inline)), Value([.. blocks.Skip(first + 1).Take(end - first - 1)]));
            first = next;
        }

        return sections;
    }

    /// <summary>Adds under the key, or under <c>key_2</c>, <c>key_3</c>… when it is taken.</summary>
    public static void Add(JsonObject target, string key, JsonNode? value)
    {
        int taken = target.ContainsKey(key) ? 1 : 0;
        int free = taken;
        // The numbers in use have no gaps, so halving finds the next one fast even when a heading comes thousands of times.
        while (free > 0 && target.ContainsKey(Numbered(key, free)))
        {
            taken = free;
            free *= 2;
        }

        while (free - taken > 1)
        {
            int middle = (taken + free) / 2;
            (taken, free) = target.ContainsKey(Numbered(key, middle)) ? (middle, free) : (taken, middle);
        }

        target[Numbered(key, free)] = value;
    }

    private static string Numbered(string key, int number) => number < 2 ? key : string.Create(CultureInfo.InvariantCulture, $"{key}_{number}");

    /// <summary>Whether a block is a heading; text underlined with dashes mostly is a paragraph before a separator line.</summary>
    public static bool IsHeading(Block block) => block is HeadingBlock { IsSetext: false } or HeadingBlock { IsSetext: true, Level: 1 };

    private static int IndexOfHeading(IReadOnlyList<Block> blocks, int from, int level)
    {
        for (int i = from; i < blocks.Count; i++)
        {
            if (IsHeading(blocks[i]) && ((HeadingBlock)blocks[i]).Level <= level)
            {
                return i;
            }
        }

        return -1;
    }

    private JsonNode? Content(IReadOnlyList<Block> blocks)
    {
        MarkdownRecords records = new(toKey);
        int prose = 0;
        foreach (Block block in blocks)
        {
            if (!(block switch
            {
                Table table => records.AddAll(Rows(table)),
                ListBlock list => records.AddValue(new MarkdownList(toKey).Value(list)),
                FencedCodeBlock code when Json(code) is { } json => records.AddAll([json]),
                LeafBlock { Inline: not null } leaf => records.AddLine(leaf.Inline),
                _ => false,
            }))
            {
                prose += block is ThematicBreakBlock or LinkReferenceDefinitionGroup ? 0 : block.Span.Length;
            }
        }

        JsonNode? value = records.Finish();
        bool isPlainList = value is JsonArray array && array.All(item => item is JsonValue);
        return value is null || (isPlainList && prose > LongestIntroduction) ? Text(blocks) : value;
    }

    private JsonValue? Text(IReadOnlyList<Block> blocks)
    {
        List<Block> written = [.. blocks.Where(block => block is not (ThematicBreakBlock or LinkReferenceDefinitionGroup))];
        if (written.Count == 0)
        {
            return null;
        }

        int start = written.Min(block => block.Span.Start);
        int end = Math.Min(written.Max(block => block.Span.End) + 1, source.Length);
        string text = start < end ? source[start..end].Trim() : "";
        return text.Length == 0 ? null : JsonValue.Create(text);
    }

    private IEnumerable<JsonNode?> Rows(Table table)
    {
        List<TableRow> rows = [.. table.OfType<TableRow>()];
        List<string> columns = [];
        foreach (string name in rows.Take(1).SelectMany(Cells))
        {
            string key = name.Length == 0 ? $"column_{columns.Count + 1}" : toKey(name);
            columns.Add(columns.Contains(key) ? $"{key}_{columns.Count + 1}" : key);
        }

        foreach (TableRow row in rows.Skip(1))
        {
            JsonObject record = [];
            List<string> cells = Cells(row);
            foreach ((int at, string column) in columns.Index())
            {
                record[column] = at < cells.Count ? cells[at] : "";
            }

            yield return record;
        }
    }

    private static List<string> Cells(TableRow row) =>
        [.. row.OfType<TableCell>().Select(cell => string.Join('\n', cell.OfType<LeafBlock>().Select(leaf => MarkdownInlines.Text(leaf.Inline))))];

    private static JsonNode? Json(FencedCodeBlock code)
    {
        string text = code.Lines.ToString().Trim();
        if (!text.StartsWith('{') && !text.StartsWith('['))
        {
            return null;
        }

        try
        {
            return JsonNode.Parse(text, null, s_lenient);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
