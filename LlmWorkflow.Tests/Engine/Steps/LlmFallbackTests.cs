using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Providers;
using LlmWorkflow.Tests.Engine.Providers;
using LlmWorkflow.Tests.Support;
using static LlmWorkflow.Tests.Engine.Steps.LlmStepRun;

namespace LlmWorkflow.Tests.Engine.Steps;

/// <summary><c>fallbacks</c>: who is asked next, and what is told.</summary>
public sealed class LlmFallbackTests
{
    [Theory]
    [InlineData(503)]
    [InlineData(429)]
    [InlineData(500)]
    [InlineData(401)]
    [InlineData(402)]
    [InlineData(404)]
    [InlineData(413)]
    public async Task Execute_FailureThatAnotherModelMayNotHave_AsksTheFallbackInTheSameAttempt(int status)
    {
        await using var fixture = await LlmFixture.StartAsync(Script(Refusal(status), Answer("Hi", model: "other-answered")));

        var result = await RunAsync(fixture, change: WithFallbacks("other"));

        Assert.Null(result.Error);
        Assert.Equal("other-answered", result.Output.GetProperty("model").GetString());
        Assert.Equal("openrouter", result.Output.GetProperty("provider").GetString());
        Assert.Equal([LlmFixture.Model, "other"], Requests(fixture).Select(request => request.GetProperty("model").GetString()));
        Assert.Equal([(0, CallPurpose.Useful), (1, CallPurpose.Fallback)], fixture.Ledger.Reservations.Select(call => (call.Key.Ordinal, call.Purpose)));
        Assert.Equal((2, 1m), (result.Usage!.Calls, result.Usage.CostUsd));
    }

    [Theory]
    [InlineData("""{"error":{"code":400,"message":"bad parameter"}}""", 400, ErrorTypes.UpstreamBadRequest)]
    [InlineData("""{"error":{"code":403,"message":"flagged","metadata":{"reasons":["violence"]}}}""", 403, ErrorTypes.ContentFiltered)]
    public async Task Execute_FaultOfTheRequestItself_AsksNobodyElse(string body, int status, string type)
    {
        await using var fixture = await LlmFixture.StartAsync(Script(FakeUpstream.Json(body, status)));

        var result = await RunAsync(fixture, change: WithFallbacks("other"));

        Assert.Equal(type, result.Error!.Type);
        Assert.Single(fixture.Upstream.Received);
    }

    [Fact]
    public async Task Execute_AllModelsFail_TellsTheErrorThatARetryMayHealAndTheOthers()
    {
        await using var fixture = await LlmFixture.StartAsync(Script(Refusal(401), Refusal(500, ("Retry-After", "9")), Refusal(404)));

        var result = await RunAsync(fixture, change: WithFallbacks("second", "third"));

        Assert.Equal((ErrorTypes.UpstreamServerError, true, 9d), (result.Error!.Type, result.Error.Retryable, result.Error.RetryAfter));
        Assert.EndsWith($"No other model answered either: openrouter {LlmFixture.Model} (AuthenticationFailed), openrouter third (UpstreamBadRequest).", result.Error.Message, StringComparison.Ordinal);
        Assert.Equal(3, result.Usage!.Calls);
    }

    [Fact]
    public void NoneAnswered_OneMayBeAskedAtOnce_DoesNotWaitForTheOther()
    {
        static WorkflowError Failure(double? wait) => new() { Type = ErrorTypes.RateLimited, Category = ErrorCategory.External, Message = "m", Retryable = true, RetryAfter = wait };

        Assert.Null(FallbackRules.NoneAnswered([Failure(60), Failure(null)]).RetryAfter);
        Assert.Equal(5, FallbackRules.NoneAnswered([Failure(60), Failure(5)]).RetryAfter);
        Assert.Equal(60, FallbackRules.NoneAnswered([Failure(60)]).RetryAfter);
    }

    [Fact]
    public async Task Execute_ProviderWithoutKey_LeavesNoCallAndLetsAnotherAnswer()
    {
        await using var fixture = await LlmFixture.StartAsync(Script(), options => options.OpenRouterApiKey = null);

        var result = await RunAsync(fixture, change: WithFallbacks("other"));

        Assert.Equal(ErrorTypes.MissingSetting, result.Error!.Type);
        Assert.EndsWith("No other model answered either: openrouter (MissingSetting).", result.Error.Message, StringComparison.Ordinal);
        Assert.Null(result.Usage);
    }

    [Fact]
    public async Task Execute_ProviderThatNobodyKnows_IsToldAndNotPaperedOver()
    {
        await using var fixture = await LlmFixture.StartAsync(Script());

        var result = await RunAsync(fixture, change: step => WithFallbacks()(step) with { Provider = "${input.city}", Fallbacks = [new("openrouter", "other")] });

        Assert.Equal(ErrorTypes.UnknownProvider, result.Error!.Type);
        Assert.Contains("'Berlin'", result.Error.Message, StringComparison.Ordinal);
        Assert.Empty(fixture.Upstream.Received);
    }

    [Fact]
    public async Task Execute_CutStreamThenFallback_NumbersItsDeltasAnew()
    {
        await using var fixture = await LlmFixture.StartAsync(Script(
            FakeUpstream.CutSse(LlmFixture.Chunk("Ha")),
            FakeUpstream.Sse(LlmFixture.Chunk("Hi"), LlmFixture.StopChunk, LlmFixture.UsageChunk, "[DONE]")));
        List<LlmDelta> deltas = [];

        var result = await RunAsync(fixture, deltas.Add, change: step => WithFallbacks("other")(step) with { Stream = true });

        Assert.Equal([new("analyse", 0, "Ha"), new("analyse", 1, "Hi")], deltas);
        Assert.Equal("Hi", result.Output.GetProperty("content").GetString());
    }

    [Fact]
    public async Task Execute_FallbackGaveBrokenJson_RepairsItThereAndFallsOnFromThere()
    {
        await using var fixture = await LlmFixture.StartAsync(Script(Refusal(503), Answer("no"), Refusal(503), Answer("[1]")));

        var result = await RunAsync(fixture, change: step => WithFallbacks("second", "third")(step) with { ResponseFormat = ResponseFormat.Json, RepairAttempts = 1 });

        Assert.Null(result.Error);
        Assert.Equal([LlmFixture.Model, "second", "second", "third"], Requests(fixture).Select(request => request.GetProperty("model").GetString()));
        Assert.Equal(
            [CallPurpose.Useful, CallPurpose.Fallback, CallPurpose.Repair, CallPurpose.Fallback], fixture.Ledger.Reservations.Select(call => call.Purpose));
    }

    private static Func<LlmStepDefinition, LlmStepDefinition> WithFallbacks(params string[] models) =>
        step => step with { Stream = false, Fallbacks = [.. models.Select(model => new LlmFallback(null, model))] };
}
