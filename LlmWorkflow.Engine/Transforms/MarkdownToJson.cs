using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LlmWorkflow.Engine.Expressions;
using Markdig;
using Markdig.Syntax;

namespace LlmWorkflow.Engine.Transforms;

/// <summary>
/// <c>markdown_to_json</c>: sections of a model's markdown as JSON. Asked sections that are missing or empty are null; without <c>sections</c> each heading
/// is a key, and text before the first is <c>preamble</c>.
/// </summary>
internal static class MarkdownToJson
{
    private static readonly MarkdownPipeline s_pipeline = new MarkdownPipelineBuilder().UsePipeTables().Build();

    public static JsonElement Apply(TransformCall call)
    {
        string source = call.InputText().ReplaceLineEndings("\n");
        Func<string, string> toKey = Keys(call);
        IReadOnlyList<AskedSection>? asked = Sections(call);
        try
        {
            return Convert(call, Unwrap(source), asked, toKey);
        }
        // Markdig refuses markup that is nested too deeply with an ArgumentException.
        catch (ArgumentException exception)
        {
            throw call.Fault($"the markdown cannot be read ({exception.Message})", JsonValues.String(source));
        }
    }

    private static JsonElement Convert(TransformCall call, string source, IReadOnlyList<AskedSection>? asked, Func<string, string> toKey)
    {
        List<Block> blocks = [.. Markdown.Parse(source, s_pipeline)];
        MarkdownBlocks values = new(source, toKey);
        JsonObject result = asked is null ? EveryHeading(blocks, values, toKey) : Asked(blocks, values, asked);
        return call.Write(writer => result.WriteTo(writer));
    }

    private static JsonObject EveryHeading(List<Block> blocks, MarkdownBlocks values, Func<string, string> toKey)
    {
        JsonObject result = [];
        Predicate<Block> isStart = MarkdownHeadings.Starts(blocks);
        int start = blocks.FindIndex(isStart);
        if (values.Value(blocks[..(start < 0 ? blocks.Count : start)]) is { } preamble)
        {
            result["preamble"] = preamble;
        }

        while (start >= 0)
        {
            int next = blocks.FindIndex(start + 1, isStart);
            string key = toKey(MarkdownHeadings.Text(blocks[start]) ?? "");
            MarkdownBlocks.Add(result, key, values.Value(blocks[(start + 1)..(next < 0 ? blocks.Count : next)]));
            start = next;
        }

        return result;
    }

    private static JsonObject Asked(List<Block> blocks, MarkdownBlocks values, IReadOnlyList<AskedSection> asked)
    {
        JsonObject result = [];
        IReadOnlyDictionary<int, string> starts = MarkdownHeadings.Match(blocks, asked);
        foreach (AskedSection section in asked)
        {
            // A heading that comes twice gives one section.
            List<Block> content = [.. starts.Where(start => start.Value == section.Name).OrderBy(start => start.Key)
                .SelectMany(start => MarkdownHeadings.Body(blocks, start.Key, starts))];
            result[section.Name] = values.Value(content);
        }

        return result;
    }

    /// <summary>Models like to put their whole answer into a markdown fence.</summary>
    private static string Unwrap(string source)
    {
        List<Block> blocks = [.. Markdown.Parse(source, s_pipeline)];
        return !blocks.Exists(MarkdownBlocks.IsHeading)
            && blocks.OfType<FencedCodeBlock>().FirstOrDefault(code => code.Info is "markdown" or "md") is { } fence
            ? fence.Lines.ToString()
            : source;
    }

    private static Func<string, string> Keys(TransformCall call)
    {
        return call.Choice("keys") == "snake_case"
            ? SnakeCase
            : static text => MarkdownInlines.TrimColon(text) is { Length: > 0 } key ? key : "section";
    }

    private static string SnakeCase(string text)
    {
        StringBuilder key = new();
        foreach (char letter in MarkdownHeadings.WithoutNumber(text))
        {
            if (char.IsLetterOrDigit(letter))
            {
                key.Append(char.ToLowerInvariant(letter));
            }
            else if (letter is not ('\'' or '’') && key.Length > 0 && key[^1] != '_')
            {
                key.Append('_');
            }
        }

        string result = key.ToString().TrimEnd('_');
        return result.Length == 0 ? "section" : result;
    }

    private static List<AskedSection>? Sections(TransformCall call)
    {
        if (call.Object("sections", "an object of names and headings") is not { } sections)
        {
            return null;
        }

        return [.. sections.EnumerateObject().Select(section => new AskedSection(section.Name, section.Value.ValueKind switch
        {
            JsonValueKind.String => [section.Value.GetString()!],
            JsonValueKind.Array when section.Value.EnumerateArray().All(heading => heading.ValueKind == JsonValueKind.String) =>
                [.. section.Value.EnumerateArray().Select(heading => heading.GetString()!)],
            _ => throw call.Fault($"section '{section.Name}' must be a heading or a list of headings", section.Value),
        }))];
    }
}
