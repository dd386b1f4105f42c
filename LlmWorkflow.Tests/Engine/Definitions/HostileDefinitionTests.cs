using System.Diagnostics;
using System.Text;
using LlmWorkflow.Engine.Definitions;

namespace LlmWorkflow.Tests.Engine.Definitions;

/// <summary>Files that are made to exhaust who reads them.</summary>
public sealed class HostileDefinitionTests
{
    private const string Pause = """{"id": "p", "type": "wait", "seconds": 1}""";

    public static TheoryData<string, string> Files => new()
    {
        { "10,000 steps", Workflow(string.Join(',', Enumerable.Range(0, 10_000).Select(i => $$"""{"id": "s{{i}}", "type": "wait", "seconds": 1}"""))) },
        { "10,000 nested steps", Workflow(string.Join(',', Enumerable.Range(0, 100).Select(i => Conditional($"c{i}", string.Join(',', Enumerable.Repeat(Pause, 100)))))) },
        { "steps 1,000 deep", Workflow(Enumerable.Range(0, 1000).Aggregate(Pause, (inner, i) => Conditional($"c{i}", inner))) },
        { "steps 20 deep", Workflow(Enumerable.Range(0, 20).Aggregate(Pause, (inner, i) => Conditional($"c{i}", inner))) },
        { "JSON 100,000 deep", new string('[', 100_000) },
        { "JSON 70 deep", Workflow($$"""{"id": "w", "type": "workflow", "name": "o", "input": {{new string('[', 70)}}{{new string(']', 70)}}}""") },
        { "2 MB", Workflow($$"""{"id": "t", "type": "llm", "model": "m", "prompt": "{{new string('x', 2_000_000)}}"}""") },
        { "a long name over many values", $$"""{"name": "t", "steps": [{{Pause}}], "{{new string('n', 400_000)}}": [{{Numbers(250_000)}}]}""" },
        { "long names over many expressions", Nested(string.Join(',', Enumerable.Repeat("\"${steps.x}\"", 60_000))) },
        { "many unknown properties", $$"""{"name": "t", "steps": [{{Pause}}], {{string.Join(',', Enumerable.Range(0, 60_000).Select(i => $"\"a{i}\":1"))}}}""" },
        { "many wrong items", Workflow($$"""{"id": "t", "type": "llm", "model": "m", "prompt": "x", "stop": [{{Numbers(100)}}]}, {{Numbers(900)}}""") },
        { "a long expression", Workflow($$"""{"id": "w", "type": "workflow", "name": "o", "input": "${ {{string.Concat(Enumerable.Repeat("(", 300_000))}} }"}""") },
        { "many reads", Workflow($$"""{"id": "w", "type": "workflow", "name": "o", "input": [{{string.Join(',', Enumerable.Range(0, 30_000).Select(i => $"\"${{steps.u{i}}}\""))}}]}""") },
        { "half a character", """{"name": "t", "description": "\ud800", "steps": []}""" },
        { "a huge number", """{"name": "t", "timeout_seconds": 1e999999, "steps": [{"id": "w", "type": "wait", "seconds": 1e400}]}""" },
        { "a bad pattern", $$"""{"name": "t", "input_schema": {"pattern": "{{new string('(', 10_000)}}"}, "steps": [{{Pause}}]}""" },
    };

    [Theory]
    [MemberData(nameof(Files))]
    public void Validate_HostileFile_GivesClearErrorsInBoundedTime(string what, string json)
    {
        long started = Stopwatch.GetTimestamp();

        ValidationResult result = DefinitionValidator.Validate(json, "t", new DefinitionSurroundings { Prompts = new Dictionary<string, string>() });

        Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromMinutes(1), $"{what}: {Stopwatch.GetElapsedTime(started)}");
        Assert.Null(result.Definition);
        Assert.InRange(result.Issues.Count, 1, 200);
        Assert.All(result.Issues, issue => Assert.InRange(issue.Message.Length, 1, 2000));
    }

    [Theory]
    [InlineData("JSON 70 deep", "MALFORMED_JSON", "The JSON is nested deeper than 64 levels.")]
    [InlineData("steps 1,000 deep", "MALFORMED_JSON", "The JSON is nested deeper than 64 levels.")]
    [InlineData("steps 20 deep", "OUT_OF_RANGE", "Steps may be nested 16 deep.")]
    [InlineData("10,000 steps", "OUT_OF_RANGE", "A workflow has at most 1000 steps, nested ones included.")]
    public void Validate_TooMuch_SaysTheLimitOnce(string what, string code, string message)
    {
        string json = (string)Files.Single(file => (string)((object[])file)[0] == what)[1];

        DefinitionIssue issue = Assert.Single(DefinitionValidator.Validate(json, "t", new DefinitionSurroundings { Prompts = new Dictionary<string, string>() }).Issues);

        Assert.Equal((code, message), (issue.Code, issue.Message));
    }

    [Fact]
    public void Validate_LargeValidFile_IsReadInBoundedTime()
    {
        string steps = string.Join(',', Enumerable.Range(0, 1000).Select(i =>
            $$"""{"id": "s{{i}}", "type": "llm", "model": "m", "prompt": "Go on with {{i}}: {{(i == 0 ? "" : $"${{steps.s{i - 1}.output.content}}")}} {{new string('x', 700)}}"}"""));
        long started = Stopwatch.GetTimestamp();

        ValidationResult result = DefinitionValidator.Validate(Workflow(steps), "t", new DefinitionSurroundings { Prompts = new Dictionary<string, string>() });

        Assert.Equal(1000, result.Definition!.Steps.Count);
        Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromMinutes(1), $"{Stopwatch.GetElapsedTime(started)}");
    }

    private static string Workflow(string steps) => $$"""{"name": "t", "steps": [{{steps}}]}""";

    private static string Conditional(string id, string steps) => $$"""{"id": "{{id}}", "type": "conditional", "condition": "true", "then": [{{steps}}]}""";

    private static string Numbers(int count) => string.Join(',', Enumerable.Repeat("1", count));

    private static string Nested(string items)
    {
        StringBuilder json = new("""{"name": "t", "steps": [{"id": "w", "type": "workflow", "name": "o", "input": """);
        for (int i = 0; i < 50; i++)
        {
            json.Append(System.Globalization.CultureInfo.InvariantCulture, $"{{\"{new string('k', 3000)}\":");
        }

        return json.Append('[').Append(items).Append(']').Append('}', 50).Append("}]}").ToString();
    }
}
