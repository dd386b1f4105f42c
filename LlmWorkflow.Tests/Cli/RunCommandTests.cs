using System.Text.Json;
using LlmWorkflow.Tests.Support;

namespace LlmWorkflow.Tests.Cli;

public sealed class RunCommandTests
{
    private const string Sample = "workflows/samples/emergency_contacts.json";

    private const string Asking = """
        { "name": "asking", "steps": [
          { "id": "pause", "type": "wait", "seconds": 3600 },
          { "id": "ask", "type": "approval", "signal": "approved", "message": "Publish?" } ],
          "output": { "answer": "${steps.ask.output}" } }
        """;

    [Fact]
    public async Task Run_Sample_PrintsTheOutputAloneOnStandardOutput()
    {
        await using var upstreams = await SimulatedUpstreams.StartAsync();
        var call = new CliCall();
        upstreams.Give(call);

        Assert.True(await call.RunAsync("run", "emergency_contacts", "--input", Sample) == 0, call.Error);

        Assert.NotEqual(0, JsonElement.Parse(call.Out).GetProperty("contacts").GetArrayLength());
        Assert.Contains("analyze_contacts: completed in", call.Error);
        Assert.Contains("completed in", call.Error);
        Assert.DoesNotContain('\u001b', call.Error + call.Out);
    }

    [Fact]
    public async Task Run_Json_IsOneObjectWithStepsUsageAndCost()
    {
        await using var upstreams = await SimulatedUpstreams.StartAsync();
        var call = new CliCall { In = await File.ReadAllTextAsync(Path.Combine(Repository.Root, Sample)) };
        upstreams.Give(call);

        Assert.True(await call.RunAsync("run", "emergency_contacts", "--input", "-", "--json") == 0, call.Error);

        var report = JsonElement.Parse(call.Out);
        Assert.Equal(["status", "output", "error", "steps", "usage", "cost_usd"], report.EnumerateObject().Select(property => property.Name));
        Assert.Equal("completed", report.GetProperty("status").GetString());
        Assert.Equal(
            ["search_nearby", "extract_places", "analyze_contacts", "parse_contacts"], report.GetProperty("steps").EnumerateArray().Select(step => step.GetProperty("path").GetString()!));
        Assert.Equal(["id", "path", "type", "status", "output", "duration_ms", "attempts"], report.GetProperty("steps")[0].EnumerateObject().Select(property => property.Name));
        Assert.True(report.GetProperty("usage").GetProperty("total_tokens").GetInt64() > 100);
        Assert.True(report.GetProperty("cost_usd").GetDecimal() > 0);
    }

    [Fact]
    public async Task Run_RecordThenReplay_GivesTheSameWithoutUpstreamsOrKeys()
    {
        using var folder = new WorkflowTree();
        var file = Path.Combine(folder.Root, "calls.json");
        var recorded = new CliCall();
        await using (var upstreams = await SimulatedUpstreams.StartAsync())
        {
            upstreams.Give(recorded);
            Assert.True(await recorded.RunAsync("run", "emergency_contacts", "-i", Sample, "--record", file) == 0, recorded.Error);
        }

        var text = await File.ReadAllTextAsync(file);
        Assert.DoesNotContain(SimulatedUpstreams.Key, text);
        Assert.DoesNotContain("uthorization", text);
        Assert.Equal(1, JsonElement.Parse(text).GetProperty("version").GetInt32());
        Assert.True(JsonElement.Parse(text).GetProperty("exchanges")[1].GetProperty("chunks").GetArrayLength() > 1);

        var replayed = new CliCall();
        Assert.True(await replayed.RunAsync("run", "emergency_contacts", "-i", Sample, "--replay", file) == 0, replayed.Error);
        Assert.Equal(recorded.Out, replayed.Out);
    }

    [Fact]
    public async Task Run_ReplayOfAnotherInput_NamesStepPathAndWhatToDo()
    {
        using var folder = new WorkflowTree();
        var file = Path.Combine(folder.Root, "calls.json");
        await File.WriteAllTextAsync(file, """{"version":1,"exchanges":[]}""");
        var call = new CliCall();

        Assert.Equal(1, await call.RunAsync("run", "emergency_contacts", "-i", Sample, "--replay", file));
        Assert.Contains("step 'search_nearby': The recording has no reply for POST /v1/places:searchNearby", call.Error);
        Assert.Contains("Run once with --record", call.Error);
    }

    [Fact]
    public async Task Run_RecordAndReplayOfOneFile_AsksOnlyWhatIsNew()
    {
        using var folder = new WorkflowTree();
        var file = Path.Combine(folder.Root, "calls.json");
        await using var upstreams = await SimulatedUpstreams.StartAsync();
        for (var round = 0; round < 2; round++)
        {
            var call = new CliCall();
            upstreams.Give(call);
            Assert.True(await call.RunAsync("run", "emergency_contacts", "-i", Sample, "--record", file, "--replay", file) == 0, call.Error);
            Assert.Equal(2, JsonElement.Parse(await File.ReadAllTextAsync(file)).GetProperty("exchanges").GetArrayLength());
        }
    }

    [Fact]
    public async Task Run_NoKeyInProduction_NamesTheVariable()
    {
        var call = new CliCall();
        call.Environment["ENVIRONMENT"] = "Production";

        Assert.Equal(2, await call.RunAsync("run", "emergency_contacts", "-i", Sample));
        Assert.Contains("OPENROUTER_API_KEY is not set", call.Error);
    }

    [Theory]
    [InlineData("""{"city":"Austin","state":"TX","lat":91,"lng":"x"}""", "/lat: ")]
    [InlineData("""{"city":"Austin","state":"TX","lat":91,"lng":"x"}""", "/lng: ")]
    [InlineData("[1]", "must hold a JSON object")]
    [InlineData("{\"a\":1,}", "not valid JSON: line 1")]
    [InlineData("{\"a\":1,\"a\":2}", "not valid JSON")]
    public async Task Run_WrongInput_EndsTwoBeforeAnyCall(string input, string told)
    {
        var call = new CliCall();

        Assert.Equal(2, await call.RunAsync("run", "emergency_contacts", "--input-json", input));
        Assert.Contains(told, call.Error);
        Assert.Equal("", call.Out);
    }

    [Theory]
    [InlineData(65, "deeper than 64 levels")]
    [InlineData(1_100_000, "larger than 1048576 bytes")]
    public async Task Run_InputBeyondTheLimits_EndsTwo(int size, string told)
    {
        var input = size < 1000 ? "{\"a\":" + new string('[', size) + new string(']', size) + "}" : $"{{\"a\":\"{new string('x', size)}\"}}";
        var call = new CliCall { In = input };

        Assert.Equal(2, await call.RunAsync("run", "emergency_contacts", "--input", "-"));
        Assert.Contains(told, call.Error);
    }

    [Fact]
    public async Task Run_Signal_AnswersTheApprovalAndSkipsTheWait()
    {
        using var tree = new WorkflowTree(("asking", Asking));
        var call = new CliCall { CurrentDirectory = tree.Root };

        Assert.True(await call.RunAsync("run", "asking", "--workflows", ".", "--skip-waits", "--signal", """approved={"yes":true}""") == 0, call.Error);
        Assert.True(JsonElement.Parse(call.Out).GetProperty("answer").GetProperty("yes").GetBoolean());
    }

    [Fact]
    public async Task Run_NobodyAnswers_EndsOneNamingTheSignal()
    {
        using var tree = new WorkflowTree(("asking", Asking));
        var call = new CliCall { CurrentDirectory = tree.Root };

        Assert.Equal(1, await call.RunAsync("run", "asking", "--workflows", ".", "--skip-waits", "--json"));
        Assert.Equal("UnansweredSignal", JsonElement.Parse(call.Out).GetProperty("error").GetProperty("type").GetString());
        Assert.Contains("--signal approved=JSON", call.Error);
    }

    [Fact]
    public async Task Run_OnATerminal_AsksForTheAnswer()
    {
        using var tree = new WorkflowTree(("asking", Asking));
        var call = new CliCall { CurrentDirectory = tree.Root, IsTerminal = true, In = "yes\n{\"ok\":1}\n" };
        call.Environment["NO_COLOR"] = "1";

        Assert.True(await call.RunAsync("run", "asking", "--workflows", ".", "--skip-waits") == 0, call.Error);
        Assert.Equal(1, JsonElement.Parse(call.Out).GetProperty("answer").GetProperty("ok").GetInt32());
        Assert.Contains("Publish?", call.Error);
        Assert.Contains("That is no JSON", call.Error);
        Assert.DoesNotContain('\u001b', call.Error);
    }

    [Fact]
    public async Task Run_OnAColourTerminal_DrawsTheStepsLive()
    {
        using var tree = new WorkflowTree(("asking", Asking));
        var call = new CliCall { CurrentDirectory = tree.Root, IsTerminal = true };

        Assert.True(await call.RunAsync("run", "asking", "--workflows", ".", "--skip-waits", "--signal", "approved=1") == 0, call.Error);
        Assert.Contains('\u001b', call.Error);
        Assert.DoesNotContain('\u001b', call.Out);
    }

    [Fact]
    public async Task Run_Interrupted_StopsAndEndsWith130()
    {
        using var tree = new WorkflowTree(("asking", Asking));
        using var interrupt = new CancellationTokenSource();
        var call = new CliCall { CurrentDirectory = tree.Root };
        call.When("waiting", interrupt.Cancel);

        Assert.Equal(130, await call.RunAsync(interrupt.Token, "run", "asking", "--workflows", ".", "--json"));
        Assert.Equal("cancelled", JsonElement.Parse(call.Out).GetProperty("status").GetString());
    }
}
