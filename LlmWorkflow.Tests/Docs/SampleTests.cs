using System.Text.Json;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Transforms;
using LlmWorkflow.Tests.Support;

namespace LlmWorkflow.Tests.Docs;

/// <summary>The workflows under workflows/samples are valid and run with the inputs beside them.</summary>
public sealed class SampleTests(SimulatedUpstreams upstreams) : IClassFixture<SimulatedUpstreams>
{
    private static readonly string s_folder = Path.Combine(Repository.Root, "workflows", "samples");

    private static readonly Dictionary<string, string> s_noSignals = [];

    private static readonly string[] s_names = [.. Directory.GetFiles(Path.Combine(s_folder, "definitions")).Select(file => Path.GetFileNameWithoutExtension(file)!)];

    public static TheoryData<string> Names => [.. s_names];

    [Fact]
    public async Task Samples_All_AreValidWithoutWarnings()
    {
        await using var run = new WorkflowRun(s_folder, upstreams);

        Assert.Empty(run.Catalog.Problems);
        Assert.Equal(s_names.Order(StringComparer.Ordinal), run.Catalog.Names);
        Assert.Empty(run.Catalog.Names.SelectMany(run.Catalog.Issues).Where(issue => issue.Severity != IssueSeverity.Info).Select(issue => issue.Message));
    }

    [Fact]
    public void Samples_All_AreListedInTheDocs() =>
        Assert.All(s_names, name => Assert.Contains($"[{name}](../workflows/samples/definitions/{name}.json)", WorkflowsPage.Text, StringComparison.Ordinal));

    [Fact]
    public async Task TransformsTour_EveryTransform_IsInIt()
    {
        var tour = await File.ReadAllTextAsync(Path.Combine(s_folder, "definitions", "transforms_tour.json"));

        Assert.All(TransformCatalog.All, transform => Assert.Contains($"\"operation\": \"{transform.Name}\"", tour, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Samples_EachWithItsInput_Completes(string name)
    {
        var ended = await RunAsync(name, await ReadAsync($"{name}.json"));

        Assert.True(ended.To == JobStatus.Completed, ended.Error?.Message);
    }

    [Theory]
    [InlineData("conditional", """{"team":"finance","branch":0,"large":true,"promise":"A personal answer within the hour."}""")]
    [InlineData("parallel", """{"open_usd":450,"customers":["Ada","Cleo"],"largest":{"customer":"Cleo","total":310,"status":"open"}}""")]
    [InlineData("invoice", """{"net":64.97,"total":77.96}""")]
    [InlineData("sub_workflow", "\"Order 1: 20 EUR\\nOrder 2: 39 EUR\"")]
    [InlineData("wait", """{"message":"Reminder: water the plants"}""")]
    [InlineData("approval", """{"answer":"We cannot pay order 1207 back. Nobody answered in time.","asked":"failed"}""")]
    [InlineData("transforms_tour", """
        {"sign":"Now 15 % off: Child bicycle and Pump. (Things to do: count the bells, oil the chains.)",
         "two":[{"name":"Child bicycle","price":95,"kind":"bicycle"},{"name":"Pump","price":24.5,"kind":"part"}],
         "kinds":["bicycle","part"],"phone":"555-0134",
         "plan":{"todo":["count the bells","oil the chains"],"supplier":{"name":"Wheel & Co","phone":"555-0134"}},
         "terms":{"discount":15,"days":14}}
        """)]
    public async Task Samples_WithoutUpstreams_GiveTheirOutput(string name, string output) => AssertOutput(output, await RunAsync(name, await ReadAsync($"{name}.json")));

    [Theory]
    [InlineData("""{"subject":"My bell is broken","amount_usd":9}""", """{"team":"workshop","branch":1,"large":false,"promise":"An answer within two days."}""")]
    [InlineData("""{"subject":"Hello","amount_usd":0}""", """{"team":"support","branch":"default","large":false,"promise":"An answer within two days."}""")]
    public async Task Conditional_OtherInputs_TakeTheOtherBranches(string input, string output) => AssertOutput(output, await RunAsync("conditional", input));

    [Fact]
    public async Task Approval_Answered_GoesOnWithThePayload()
    {
        var ended = await RunAsync("approval", await ReadAsync("approval.json"), new() { ["refund-1207"] = """{"approved":true}""" });

        AssertOutput("""{"answer":"We pay 640 USD back for order 1207.","asked":"completed"}""", ended);
    }

    [Fact]
    public async Task Foreach_WithAModel_GivesALetterForEachCustomerInOrder()
    {
        var ended = await RunAsync("foreach", await ReadAsync("foreach.json"));

        Assert.Equal(4, ended.Result.GetProperty("count").GetInt32());
        Assert.Equal(["Ada", "Ben", "Cleo", "Dan"], ended.Result.GetProperty("letters").EnumerateArray().Select(letter => letter.GetString()!.Split(':')[0]));
    }

    [Fact]
    public async Task RetryAndOnError_BrokenJson_GoesOnWithTheDefault()
    {
        var ended = await RunAsync("retry_and_on_error", await ReadAsync("retry_and_on_error.json"));

        Assert.Equal(JsonValueKind.Null, ended.Result.GetProperty("stars").ValueKind);
        Assert.Equal("""["","TransformError"]""", ended.Result.GetProperty("problems").GetRawText());
        Assert.NotEqual("No summary.", ended.Result.GetProperty("summary").GetString());
    }

    private static Task<string> ReadAsync(string file) => File.ReadAllTextAsync(Path.Combine(s_folder, file));

    private static void AssertOutput(string expected, JobTransition ended)
    {
        Assert.True(ended.To == JobStatus.Completed, ended.Error?.Message);
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse(expected), ended.Result), $"Expected {expected}\nActual   {ended.Result.GetRawText()}");
    }

    private async Task<JobTransition> RunAsync(string name, string input, Dictionary<string, string>? signals = null)
    {
        await using var run = new WorkflowRun(s_folder, upstreams);
        return await run.RunAsync(run.Catalog.Find(name)!, input, signals ?? s_noSignals);
    }
}
