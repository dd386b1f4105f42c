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
        string source = Source(call);
        Func<string, string> toKey = Keys(call);
        IReadOnlyList<AskedSection>? asked = Sections(call);
        try
        {
            return Convert(Unwrap(source), asked, toKey);
        }
        // Markdig refuses markup that is nested too deeply with an ArgumentException.
        catch (ArgumentException exception)
        {
            throw call.Fault($"the markdown cannot be read ({exception.Message})", JsonValues.String(source));
        }
    }

    private static JsonElement Convert(string source, IReadOnlyList<AskedSection>? asked, Func<string, string> toKey)
    {
        List<Block> blocks = [.. Markdown.Parse(source, s_pipeline)];
        MarkdownBlocks values = new(source, toKey);
        JsonObject result = asked is null ? EveryHeading(blocks, values, toKey) : Asked(blocks, values, asked);
        return JsonValues.Write(writer => result.WriteTo(writer));
    }

    private static JsonObject EveryHeading(List<Block> blocks, MarkdownBlocks values, Func<string, string> toKey)
    {
        JsonObject result = [];
        int start = blocks.FindIndex(MarkdownBlocks.IsHeading);
        if (values.Value(blocks[..(start < 0 ? blocks.Count : start)]) is { } preamble)
        {
            result["preamble"] = preamble;
        }

        while (start >= 0)
        {
            int next = blocks.FindIndex(start + 1, MarkdownBlocks.IsHeading);
            string key = toKey(MarkdownInlines.Text(((HeadingBlock)blocks[start]).Inline));
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

    private static string Source(TransformCall call)
    {
        JsonElement input = call.Input;
        if (input.ValueKind == JsonValueKind.Object && input.TryGetProperty("content", out JsonElement content))
        {
            // The output of an llm step.
            input = content;
        }

        if (input.ValueKind != JsonValueKind.String)
        {
            throw call.Fault("the input must be markdown text, or an object with it in 'content'", call.Input);
        }

        return input.GetString()!.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
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
        JsonElement keys = call.Parameter("keys");
        return keys.IsMissingOrNull() || keys.ValueEquals("snake_case") ? SnakeCase
            : keys.ValueEquals("as_is") ? static text => MarkdownInlines.TrimColon(text) is { Length: > 0 } key ? key : "section"
            : throw call.Fault("'keys' must be \"snake_case\" or \"as_is\"", keys);
    }

    private static string SnakeCase(string text)
    {
        StringBuilder key = new();
        foreach (char letter in text)
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
        JsonElement sections = call.Parameter("sections");
        if (sections.IsMissingOrNull())
        {
            return null;
        }

        if (sections.ValueKind != JsonValueKind.Object)
        {
            throw call.Fault("'sections' must be an object of names and headings", sections);
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
