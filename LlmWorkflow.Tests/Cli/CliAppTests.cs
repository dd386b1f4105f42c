using System.Text.Json;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Tests.Support;

namespace LlmWorkflow.Tests.Cli;

public sealed class CliAppTests
{
    [Theory]
    [InlineData("unknown command 'validte'. Did you mean 'validate'?", "validte")]
    [InlineData("unknown option '--jsn'. Did you mean '--json'?", "validate", "--jsn")]
    [InlineData("unknown option '--inptu'. Did you mean", "run", "emergency_contacts", "--inptu", "x")]
    [InlineData("argument too many", "schema", "x")]
    [InlineData("Required argument", "diagram")]
    [InlineData("Say --yes", "migrate", "down", "--database", "postgres://u:p@127.0.0.1:1/d")]
    [InlineData("DATABASE_URL: is missing", "migrate", "status")]
    public async Task RunAsync_WrongUse_EndsTwoWithTheReasonOnStandardError(string told, params string[] args)
    {
        var call = new CliCall();

        Assert.Equal(2, await call.RunAsync(args));
        Assert.StartsWith("error: ", call.Error);
        Assert.Contains(told, call.Error);
        Assert.Equal("", call.Out);
    }

    [Theory]
    [InlineData("validate")]
    [InlineData("run")]
    [InlineData("call")]
    [InlineData("dry-run")]
    [InlineData("diagram")]
    [InlineData("schema")]
    [InlineData("prices")]
    [InlineData("usage")]
    [InlineData("recost")]
    [InlineData("cache")]
    [InlineData("migrate")]
    [InlineData("completion")]
    public async Task Help_EachCommand_HasExamples(string command)
    {
        var call = new CliCall();

        Assert.Equal(0, await call.RunAsync(command, "--help"));
        Assert.Contains("Examples:", call.Out);
        Assert.Contains($"llmflow {command}", call.Out);
    }

    [Fact]
    public async Task Schema_Printed_IsTheEnginesOwn()
    {
        var call = new CliCall();

        Assert.Equal(0, await call.RunAsync("schema"));
        Assert.Equal(WorkflowSchema.ToJson().TrimEnd(), call.Out.TrimEnd());
    }

    [Fact]
    public async Task Diagram_ToAFile_WritesMermaid()
    {
        using var tree = new WorkflowTree();
        var call = new CliCall { CurrentDirectory = tree.Root };

        Assert.Equal(0, await call.RunAsync("diagram", "emergency_contacts", "--workflows", ".", "--output", "out.mmd"));
        Assert.StartsWith("flowchart TD", await File.ReadAllTextAsync(Path.Combine(tree.Root, "out.mmd")));
        Assert.Equal("", call.Out);
    }

    [Fact]
    public async Task DryRun_Sample_PlansStepsAndCost()
    {
        var text = new CliCall();
        Assert.Equal(0, await text.RunAsync("dry-run", "emergency_contacts", "--input", "workflows/samples/emergency_contacts.json"));
        Assert.Contains("- analyze_contacts (llm)", text.Out);
        Assert.Contains("Cost: lowest $", text.Out);

        var json = new CliCall { In = """{"lat":91}""" };
        Assert.Equal(2, await json.RunAsync("dry-run", "emergency_contacts", "--input", "-", "--json"));
        var plan = JsonElement.Parse(json.Out);
        Assert.Equal("emergency_contacts", plan.GetProperty("workflow").GetString());
        Assert.NotEqual(0, plan.GetProperty("input_issues").GetArrayLength());
    }

    [Theory]
    [InlineData("bash")]
    [InlineData("zsh")]
    [InlineData("fish")]
    [InlineData("pwsh")]
    public async Task Completion_EachShell_AsksTheSuggestDirective(string shell)
    {
        var call = new CliCall();

        Assert.Equal(0, await call.RunAsync("completion", shell));
        Assert.Contains("[suggest:", call.Out);
    }

    [Fact]
    public async Task Suggest_AfterACommand_GivesWorkflowNamesAndOptions()
    {
        var call = new CliCall();

        Assert.Equal(0, await call.RunAsync("[suggest:12]", "llmflow run "));
        Assert.Contains("emergency_contacts", call.OutLines.Select(line => line.Trim()));
        Assert.Contains("--input", call.OutLines.Select(line => line.Trim()));
    }

    [Fact]
    public async Task Migrate_UpStatusDown_ChangesTheTables()
    {
        await using var database = await TestServers.CreateDatabaseAsync();
        async Task<JsonElement> RunAsync(params string[] args)
        {
            var call = new CliCall();
            call.Environment["DATABASE_URL"] = database.ConnectionString;
            Assert.True(await call.RunAsync([.. args, "--json"]) == 0, call.Error);
            return JsonElement.Parse(call.Out);
        }

        await RunAsync("migrate", "down", "--yes");
        Assert.False((await RunAsync("migrate", "status")).GetProperty("current").GetBoolean());
        Assert.True((await RunAsync("migrate", "up")).GetProperty("changed").GetInt32() > 0);
        Assert.True((await RunAsync("migrate", "status")).GetProperty("current").GetBoolean());
    }
}
