using System.Text.Json;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Steps;
using LlmWorkflow.Tests.Engine.Providers;
using LlmWorkflow.Tests.Support;
using static LlmWorkflow.Tests.Engine.Steps.LlmStepRun;

namespace LlmWorkflow.Tests.Engine.Steps;

/// <summary><c>response_format</c>: what is taken, mended, repaired and refused.</summary>
public sealed class LlmStructuredOutputTests
{
    private const string Schema =
        """{"type":"object","properties":{"name":{"type":"string"},"items":{"type":"array","items":{"type":"object","properties":{"price":{"type":"number"}}}}},"required":["name"]}""";

    [Theory]
    [InlineData("""{"name":"A"}""")]
    [InlineData("""{"name":"A",}""")]
    [InlineData("Here it is:\n```json\n{\"name\": \"A\"}\n```\nAnything else?")]
    [InlineData("Sure! {'name': 'A'} That is all.")]
    [InlineData("""{"name":"A" """)]
    public async Task Execute_JsonThatIsCertain_IsTakenWithoutFurtherCall(string reply)
    {
        await using var fixture = await LlmFixture.StartAsync(Script(Answer(reply)));

        var result = await RunAsync(fixture, change: WithSchema(2));

        Assert.Null(result.Error);
        Assert.Equal("""{"name":"A"}""", result.Output.GetProperty("json").GetRawText());
        Assert.Equal(reply, result.Output.GetProperty("content").GetString());
    }

    [Fact]
    public async Task Execute_ReplyThatBreaksTheSchema_IsRepairedByTheModelThatSeesIt()
    {
        const string broken = """{"items":[{"price":"cheap"}]}""";
        await using var fixture = await LlmFixture.StartAsync(Script(Answer(broken), Answer("""{"name":"A","items":[{"price":1}]}""")));

        var result = await RunAsync(fixture, change: WithSchema(2));

        Assert.Equal("A", result.Output.GetProperty("json").GetProperty("name").GetString());
        var repair = Requests(fixture)[1];
        Assert.Equal(["system", "user", "assistant", "user"], Roles(repair));
        Assert.Equal(broken, Content(repair, 2));
        Assert.Contains("- /items/0/price must be a number\n", Content(repair, 3), StringComparison.Ordinal);
        Assert.Contains("- /name is required\n", Content(repair, 3), StringComparison.Ordinal);
        Assert.Contains(Schema, Content(repair, 3), StringComparison.Ordinal);
        Assert.True(repair.TryGetProperty("response_format", out _));
        Assert.Equal([(0, CallPurpose.Useful), (1, CallPurpose.Repair)], fixture.Ledger.Reservations.Select(call => (call.Key.Ordinal, call.Purpose)));
    }

    [Fact]
    public async Task Execute_RepairedStep_CostsAllItsCalls()
    {
        await using var fixture = await LlmFixture.StartAsync(Script(Answer("no"), Answer("{}"), Answer("""{"name":"A"}""")));

        var result = await RunAsync(fixture, change: WithSchema(2));

        Assert.Equal(new StepUsage { InputTokens = 30, OutputTokens = 6, CostUsd = 3, Calls = 3 }, result.Usage);
        Assert.Equal("3", result.Output.GetProperty("cost_usd").GetRawText());
        Assert.Equal((30, 36), (result.Output.GetProperty("usage").GetProperty("input_tokens").GetInt32(), result.Output.GetProperty("usage").GetProperty("total_tokens").GetInt32()));
    }

    [Fact]
    public async Task Execute_RepairsUsedUp_FailsWithPointersAndCanBeRetried()
    {
        await using var fixture = await LlmFixture.StartAsync(Script(Answer("no JSON"), Answer("""{"name":7}""")));

        var result = await RunAsync(fixture, change: WithSchema(1));

        var error = result.Error!;
        Assert.Equal((ErrorTypes.InvalidOutput, ErrorCategory.External, true, "analyse"), (error.Type, error.Category, error.Retryable, error.StepId));
        Assert.Contains("after one repair: /name must be a string", error.Message, StringComparison.Ordinal);
        Assert.Equal(("openrouter", LlmFixture.Model), (error.Details!.Service, error.Details.Operation));
        Assert.Equal(2, result.Usage!.Calls);
    }

    [Fact]
    public async Task Execute_RetryAfterInvalidOutput_AsksAnewAndPaysNothingTwice()
    {
        await using var fixture = await LlmFixture.StartAsync(Script(Answer("no"), Answer("still no"), Answer("never"), Answer("""{"name":"A"}""")));
        var failed = await RunAsync(fixture, change: WithSchema(1));

        var result = await RunAsync(fixture, change: WithSchema(1));

        Assert.Equal(ErrorTypes.InvalidOutput, failed.Error!.Type);
        Assert.Null(result.Error);
        Assert.Equal(
            [CallPurpose.Useful, CallPurpose.Repair, CallPurpose.Retry, CallPurpose.Repair], fixture.Ledger.Reservations.Select(call => call.Purpose));
        Assert.Equal((4, 4m), (result.Usage!.Calls, result.Usage.CostUsd));
    }

    [Fact]
    public async Task Execute_ReplyCutAtTheLimit_IsNotClosedByGuessing()
    {
        await using var fixture = await LlmFixture.StartAsync(Script(Answer("""{"name":"A","items":[{"price":1}""", finishReason: "length")));

        var result = await RunAsync(fixture, change: WithSchema(0));

        Assert.Contains("was cut off at the limit of output tokens", result.Error!.Message, StringComparison.Ordinal);
        Assert.Contains("max_tokens", result.Error.Details!.Suggestions[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Execute_EmptyReply_IsRepairedWithoutAnEmptyMessage()
    {
        await using var fixture = await LlmFixture.StartAsync(Script(Answer(""), Answer("[1]")));

        var result = await RunAsync(fixture, change: step => step with { ResponseFormat = ResponseFormat.Json, RepairAttempts = 1, Stream = false });

        Assert.Equal("[1]", result.Output.GetProperty("json").GetRawText());
        Assert.Equal(["system", "user", "user"], Roles(Requests(fixture)[1]));
        Assert.Contains("is empty", Content(Requests(fixture)[1], 2), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Execute_JsonNestedTooDeep_IsRefused()
    {
        await using var fixture = await LlmFixture.StartAsync(Script(Answer(new string('[', 60) + "1" + new string(']', 60))));

        var result = await RunAsync(fixture, change: step => step with { ResponseFormat = ResponseFormat.Json, Stream = false });

        Assert.Contains("nested deeper than 48 levels", result.Error!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Execute_RepairModel_RepairsInPlaceOfTheStepsModel()
    {
        await using var fixture = await LlmFixture.StartAsync(Script(Answer("no"), Answer("""{"name":"A"}""", model: "strong")));

        var result = await RunAsync(fixture, change: step => WithSchema(1)(step) with { RepairModel = "strong" });

        Assert.Equal("strong", Requests(fixture)[1].GetProperty("model").GetString());
        Assert.Equal("strong", result.Output.GetProperty("model").GetString());
    }

    [Fact]
    public async Task Execute_RepairCallFails_FailsWithItsErrorAndKeepsTheReplyForDebugging()
    {
        await using var fixture = await LlmFixture.StartAsync(Script(Answer("no"), Refusal(500)));

        var result = await RunAsync(fixture, job: fixture.Job with { DebugMode = true }, change: WithSchema(1));

        Assert.Equal((ErrorTypes.UpstreamServerError, true), (result.Error!.Type, result.Error.Retryable));
        Assert.Equal("no", result.Debug.GetProperty("reply").GetString());
    }

    [Fact]
    public async Task Execute_DebugMode_KeepsEveryReply()
    {
        await using var fixture = await LlmFixture.StartAsync(Script(Answer("one"), Answer("two"), Answer("""{"name":"A"}""")));

        var result = await RunAsync(fixture, job: fixture.Job with { DebugMode = true }, change: WithSchema(2));

        Assert.Equal("""{"name":"A"}""", result.Debug.GetProperty("reply").GetString());
        Assert.Equal(["one", "two"], result.Debug.GetProperty("repaired_replies").EnumerateArray().Select(reply => reply.GetString()));
    }

    [Fact]
    public async Task Execute_StreamedRepair_NumbersItsDeltasAnew()
    {
        await using var fixture = await LlmFixture.StartAsync(Script(
            FakeUpstream.Sse(LlmFixture.Chunk("no"), LlmFixture.StopChunk, LlmFixture.UsageChunk, "[DONE]"),
            FakeUpstream.Sse(LlmFixture.Chunk("[7]"), LlmFixture.StopChunk, LlmFixture.UsageChunk, "[DONE]")));
        List<LlmDelta> deltas = [];

        await RunAsync(fixture, deltas.Add, change: step => step with { ResponseFormat = ResponseFormat.Json, RepairAttempts = 1 });

        Assert.Equal([new("analyse", 0, "no"), new("analyse", 1, "[7]")], deltas);
    }

    [Fact]
    public async Task Execute_SchemaThatCannotBeUsed_FailsWithoutCall()
    {
        await using var fixture = await LlmFixture.StartAsync(Answer("{}"));

        var result = await RunAsync(fixture, change: step => step with
        {
            ResponseFormat = new(ResponseKind.JsonSchema, JsonElement.Parse("""{"$ref":"https://example.com/schema.json"}""")),
        });

        Assert.Equal((ErrorTypes.InvalidDefinition, ErrorCategory.Config), (result.Error!.Type, result.Error.Category));
        Assert.Empty(fixture.Upstream.Received);
    }

    private static Func<LlmStepDefinition, LlmStepDefinition> WithSchema(int repairs) => step => step with
    {
        ResponseFormat = new(ResponseKind.JsonSchema, JsonElement.Parse(Schema)),
        RepairAttempts = repairs,
        Stream = false,
    };
}
