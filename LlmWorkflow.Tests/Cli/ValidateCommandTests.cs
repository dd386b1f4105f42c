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
            [
                "definitions/faulty.json:3:3 error UNKNOWN_PROPERTY There is no property 'colour' here. There is: $schema, concurrency, description, display_name, input_schema, max_cost_usd, name, on_budget, output, steps, and 3 more.",
                "definitions/faulty.json:5:93 error UNKNOWN_REFERENCE There is no step 'two'.",
                "definitions/faulty.json:6:13 error DUPLICATE_STEP_ID The id 'one' is taken by an earlier step. Give each step an id of its own.",
                "definitions/faulty.json:6:55 error UNKNOWN_SERVICE There is no service 'google_place'. Did you mean 'google_places'?",
                "definitions/faulty.json:7:96 error MISSING_PROMPT There is no prompt 'none.md' under prompts/. There is: emergency_contacts/system.md, emergency_contacts/user.md, shared/tone.md.",
            ],
            errors);
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
        using var tree = new WorkflowTree(("unpriced", """{ "name": "unpriced", "steps": [{ "id": "one", "type": "llm", "model": "acme/unpriced", "prompt": "Hello" }] }"""));

        var lenient = new CliCall { CurrentDirectory = tree.Root };
        Assert.Equal(0, await lenient.RunAsync("validate", "definitions/unpriced.json", "-q"));
        Assert.Equal(("", ""), (lenient.Out, lenient.Error));

        var strict = new CliCall { CurrentDirectory = tree.Root };
        Assert.Equal(1, await strict.RunAsync("validate", "definitions/unpriced.json", "--strict"));
        Assert.Contains("warning UNKNOWN_PRICE", strict.Out);
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
        Assert.Contains("services/mine.json:1:2 error MALFORMED_JSON", call.Out);
        Assert.Contains("pricing.json:1:1 error", call.Out);
    }

    [Fact]
    public async Task Validate_ServiceFile_TellsEveryPlaceInIt()
    {
        using var tree = new WorkflowTree();
        tree.Write("services/mine.json", """
            {
              "name": "mine", "base_url": "https://api.example.com",
              "operations": {
                "get": { "path": "/x", "query": { "q": "${params.q}" }, "timeout": 1 }
              }
            }
            """);
        string[] told =
        [
            "services/mine.json:4:54 error UNKNOWN_PARAMETER 'q' reads the parameter 'q', which is not declared.",
            "services/mine.json:4:61 error UNKNOWN_PROPERTY 'timeout' is unknown. Did you mean 'timeout_seconds'?",
        ];
        var named = new CliCall { CurrentDirectory = tree.Root };
        var all = new CliCall { CurrentDirectory = tree.Root };

        Assert.Equal(1, await named.RunAsync("validate", "services/mine.json"));
        Assert.Equal(1, await all.RunAsync("validate", "--workflows", "."));

        Assert.Equal(told, named.OutLines.Where(line => line.Length > 0));
        Assert.Equal(told, all.OutLines.Where(line => line.Contains(" error ", StringComparison.Ordinal)));
        Assert.Equal(0, await new CliCall { CurrentDirectory = tree.Root }.RunAsync("validate", "services/weatherapi.json"));
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
