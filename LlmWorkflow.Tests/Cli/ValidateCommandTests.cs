using System.Text.Json;
using LlmWorkflow.Tests.Support;

namespace LlmWorkflow.Tests.Cli;

public sealed class ValidateCommandTests
{
    private const string FiveFaults = """
        {
          "name": "faulty",
          "colour": "red",
          "steps": [
            { "id": "one", "type": "transform", "operation": "limit", "count": 1, "input": "${steps.two.output}" },
            { "id": "one", "type": "external_api", "service": "google_place", "operation": "nearby_search", "config": {} },
            { "id": "three", "type": "llm", "model": "anthropic/claude-3.5-sonnet", "prompt_template": "none.md" }
          ]
        }
        """;

    [Fact]
    public async Task Validate_ShippedTree_HasNoErrors()
    {
        var call = new CliCall();

        Assert.Equal(0, await call.RunAsync("validate"));
        Assert.DoesNotContain(" error ", call.Out);
        Assert.Contains(" 0 errors", call.Error);
    }

    [Fact]
    public async Task Validate_FiveFaults_PrintsALineForEachInFileOrder()
    {
        using var tree = new WorkflowTree(("faulty", FiveFaults));
        var call = new CliCall { CurrentDirectory = tree.Root };

        Assert.Equal(1, await call.RunAsync("validate", "definitions/faulty.json"));

        var errors = call.OutLines.Where(line => line.Contains(" error ", StringComparison.Ordinal)).ToArray();
        Assert.Equal(
            ["definitions/faulty.json:3:3 error UNKNOWN_PROPERTY", "definitions/faulty.json:5:84 error UNKNOWN_REFERENCE", "definitions/faulty.json:6:7 error DUPLICATE_STEP_ID"],
            errors.Select(line => string.Join(' ', line.Split(' ').Take(3))).Take(3));
        Assert.All(call.OutLines, line => Assert.Matches(@"^definitions/faulty\.json:\d+:\d+ (error|warning|info) [A-Z_]+ \S.*$", line));
        Assert.Contains(errors, line => line.Contains("UNKNOWN_SERVICE", StringComparison.Ordinal) && line.EndsWith("Did you mean 'google_places'?", StringComparison.Ordinal));
        Assert.Contains(errors, line => line.Contains("MISSING_PROMPT", StringComparison.Ordinal));
        Assert.Equal(5, errors.Length);
    }

    [Fact]
    public async Task Validate_Json_TellsTheSame()
    {
        using var tree = new WorkflowTree(("faulty", FiveFaults));
        var call = new CliCall { CurrentDirectory = Path.GetTempPath() };

        Assert.Equal(1, await call.RunAsync("validate", "--workflows", tree.Root, "--json"));

        var report = JsonElement.Parse(call.Out);
        Assert.False(report.GetProperty("valid").GetBoolean());
        Assert.Equal(5, report.GetProperty("errors").GetInt32());
        Assert.Equal([true, false], report.GetProperty("files").EnumerateArray().Select(file => file.GetProperty("valid").GetBoolean()));
        Assert.Equal("UNKNOWN_PROPERTY", report.GetProperty("files")[1].GetProperty("issues")[0].GetProperty("code").GetString());
    }

    [Fact]
    public async Task Validate_StrictAndQuiet_WarningsCountAndNothingElseIsSaid()
    {
        using var tree = new WorkflowTree(("unused", """
            { "name": "unused", "steps": [
              { "id": "one", "type": "transform", "operation": "limit", "count": 1, "input": [1] },
              { "id": "two", "type": "transform", "operation": "limit", "count": 1, "input": [2] } ] }
            """));

        var lenient = new CliCall { CurrentDirectory = tree.Root };
        Assert.Equal(0, await lenient.RunAsync("validate", "definitions/unused.json", "-q"));
        Assert.Equal(("", ""), (lenient.Out, lenient.Error));

        var strict = new CliCall { CurrentDirectory = tree.Root };
        Assert.Equal(1, await strict.RunAsync("validate", "definitions/unused.json", "--strict"));
        Assert.Contains("warning UNUSED_OUTPUT", strict.Out);
    }

    [Fact]
    public async Task Validate_FileOfAnotherTree_IsCheckedAgainstThatTree()
    {
        using var tree = new WorkflowTree(("own", """{ "name": "own", "steps": [{ "id": "a", "type": "llm", "model": "anthropic/claude-3.5-sonnet", "prompt_template": "own.md" }] }"""));
        tree.Write("prompts/own.md", "Hello");
        var file = Path.Combine(tree.Root, "definitions", "own.json");

        Assert.Equal(0, await new CliCall().RunAsync("validate", file));
        var other = new CliCall();
        Assert.Equal(1, await other.RunAsync("validate", file, "--workflows", Path.Combine(Repository.Root, "workflows")));
        Assert.Contains($"{file}:", other.Out);
    }

    [Fact]
    public async Task Validate_BrokenPricesAndServices_AreToldToo()
    {
        using var tree = new WorkflowTree();
        tree.Write("services/mine.json", "{");
        tree.Write("pricing.json", "[]");
        var call = new CliCall { CurrentDirectory = tree.Root };

        Assert.Equal(1, await call.RunAsync("validate", "--workflows", "."));
        Assert.Contains("services/mine.json:1:1 error", call.Out);
        Assert.Contains("pricing.json:1:1 error", call.Out);
    }

    [Theory]
    [InlineData("emergncy_contacts", "Did you mean 'emergency_contacts'?")]
    [InlineData("none/definitions/x.json", "no file 'none/definitions/x.json'")]
    public async Task Validate_UnknownName_EndsTwo(string argument, string told)
    {
        var call = new CliCall();

        Assert.Equal(2, await call.RunAsync("validate", argument));
        Assert.StartsWith("error: ", call.Error);
        Assert.Contains(told, call.Error);
    }
}
