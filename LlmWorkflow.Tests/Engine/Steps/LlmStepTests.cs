using System.Text.Json;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Steps;
using LlmWorkflow.Tests.Engine.Providers;
using LlmWorkflow.Tests.Support;
using static LlmWorkflow.Tests.Engine.Steps.LlmStepRun;

namespace LlmWorkflow.Tests.Engine.Steps;

public sealed class LlmStepTests
{
    private static readonly string[] Hello = [LlmFixture.Chunk("Hi"), LlmFixture.StopChunk, LlmFixture.UsageChunk, "[DONE]"];

    [Fact]
    public async Task Execute_Reply_GivesExactlyTheDocumentedOutput()
    {
        await using var fixture = await LlmFixture.StartAsync(FakeUpstream.Sse(Hello));
        var deltas = new List<LlmDelta>();

        var result = await RunAsync(fixture, deltas.Add);

        Assert.Null(result.Error);
        Assert.Equal(
            ["content", "json", "model", "provider", "finish_reason", "usage", "cost_usd", "duration_ms", "response_id", "cached"],
            result.Output.EnumerateObject().Select(property => property.Name));
        Assert.Equal("Hi", result.Output.GetProperty("content").GetString());
        Assert.Equal(JsonValueKind.Null, result.Output.GetProperty("json").ValueKind);
        Assert.Equal(0.00027m, result.Output.GetProperty("cost_usd").GetDecimal());
        Assert.False(result.Output.GetProperty("cached").GetBoolean());
        Assert.Equal(
            """{"input_tokens":120,"output_tokens":30,"total_tokens":150,"cache_read_tokens":100,"cache_write_tokens":7,"reasoning_tokens":9,"estimated":false}""",
            result.Output.GetProperty("usage").GetRawText());
        Assert.Equal(new StepUsage { InputTokens = 120, OutputTokens = 30, CostUsd = 0.00027m, Calls = 1 }, result.Usage);
        Assert.Equal([new LlmDelta("analyse", 0, "Hi")], deltas);
        Assert.Equal(JsonValueKind.Undefined, result.Debug.ValueKind);
    }

    [Fact]
    public async Task Execute_Prompts_AreRenderedWithVariablesAndScope()
    {
        await using var fixture = await LlmFixture.StartAsync(FakeUpstream.Sse(Hello));

        await RunAsync(fixture);

        var body = JsonElement.Parse(Assert.Single(fixture.Upstream.Received).Body);
        Assert.Equal("anthropic/claude-haiku-4.5", body.GetProperty("model").GetString());
        Assert.Equal("You know Berlin.", body.GetProperty("messages")[0].GetProperty("content").GetString());
        Assert.Equal("List contacts in Berlin.", body.GetProperty("messages")[1].GetProperty("content").GetString());
        Assert.Equal(4096, body.GetProperty("max_tokens").GetInt32());
    }

    [Fact]
    public async Task Execute_AfterFailedCall_CountsAllCallsAndNumbersDeltasOn()
    {
        await using var fixture = await LlmFixture.StartAsync(FakeUpstream.CutSse(LlmFixture.Chunk("12345678")));
        var failed = await RunAsync(fixture);
        await using var second = await LlmFixture.StartAsync(FakeUpstream.Sse(Hello), options => options.OpenRouterApiKey = LlmFixture.Key, fixture.Ledger);
        var deltas = new List<LlmDelta>();

        var result = await RunAsync(second, deltas.Add, job: fixture.Job);

        Assert.Equal((ErrorTypes.NetworkError, "analyse"), (failed.Error!.Type, failed.Error.StepId));
        Assert.Equal((1, 2L), (failed.Usage!.Calls, failed.Usage.OutputTokens));
        Assert.Equal((2, 32L), (result.Usage!.Calls, result.Usage.OutputTokens));
        Assert.Equal(failed.Usage.CostUsd + 0.00027m, result.Usage.CostUsd);
        Assert.Equal(1, Assert.Single(deltas).Call);
    }

    [Fact]
    public async Task Execute_RunAgainAfterCrash_GivesTheSameOutputWithoutCall()
    {
        await using var fixture = await LlmFixture.StartAsync(FakeUpstream.Sse(Hello));

        var first = await RunAsync(fixture);
        var again = await RunAsync(fixture);

        Assert.Equal(first.Output.GetRawText(), again.Output.GetRawText());
        Assert.Equal(first.Usage, again.Usage);
        Assert.Single(fixture.Upstream.Received);
    }

    [Fact]
    public async Task Execute_DebugMode_KeepsPromptAndReply()
    {
        await using var fixture = await LlmFixture.StartAsync(FakeUpstream.Sse(Hello));

        var result = await RunAsync(fixture, job: fixture.Job with { DebugMode = true });

        Assert.Equal("Hi", result.Debug.GetProperty("reply").GetString());
        Assert.Equal("List contacts in Berlin.", result.Debug.GetProperty("prompt").GetProperty("messages")[1].GetProperty("content").GetString());
    }

    [Fact]
    public async Task Execute_PromptThatCannotBeRendered_FailsWithoutCall()
    {
        await using var fixture = await LlmFixture.StartAsync(FakeUpstream.Sse(Hello));

        var result = await RunAsync(fixture, change: step => step with { Prompt = "Use ${input.nothing}", PromptTemplate = null });

        Assert.Equal((ErrorTypes.ExpressionError, "analyse"), (result.Error!.Type, result.Error.StepId));
        Assert.Empty(fixture.Upstream.Received);
    }
}
