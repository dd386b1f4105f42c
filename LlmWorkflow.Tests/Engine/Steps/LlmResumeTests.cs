using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Tests.Engine.Providers;
using LlmWorkflow.Tests.Support;
using static LlmWorkflow.Tests.Engine.Steps.LlmStepRun;

namespace LlmWorkflow.Tests.Engine.Steps;

/// <summary>A step that is run again goes on where the ledger stands, and buys nothing twice.</summary>
public sealed class LlmResumeTests
{
    [Fact]
    public async Task Execute_BrokenOffBeforeTheRepair_BuysOnlyTheRepair()
    {
        await using var fixture = await LlmFixture.StartAsync(Script(Answer("no"), Answer("[1]")));
        await RunAsync(fixture, change: WithRepairs(0));

        var result = await RunAsync(fixture, change: WithRepairs(1));

        Assert.Equal("[1]", result.Output.GetProperty("json").GetRawText());
        Assert.Equal([CallPurpose.Useful, CallPurpose.Repair], fixture.Ledger.Reservations.Select(call => call.Purpose));
        Assert.Equal((2, 2m), (result.Usage!.Calls, result.Usage.CostUsd));
    }

    [Fact]
    public async Task Execute_CancelledInTheRepair_BuysTheFirstCallOnce()
    {
        TaskCompletionSource arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var fixture = await LlmFixture.StartAsync(Script(
            Answer("no"),
            context =>
            {
                arrived.SetResult();
                return FakeUpstream.HangAsync(context);
            },
            Answer("[1]")));
        using var cancel = new CancellationTokenSource();
        var run = RunAsync(fixture, change: WithRepairs(1), cancellationToken: cancel.Token);
        await Task.WhenAny(arrived.Task, run);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);

        var result = await RunAsync(fixture, change: WithRepairs(1));

        Assert.Equal("[1]", result.Output.GetProperty("json").GetRawText());
        Assert.Equal(
            [(0, CallPurpose.Useful), (1, CallPurpose.Repair), (2, CallPurpose.Repair)], fixture.Ledger.Reservations.Select(call => (call.Key.Ordinal, call.Purpose)));
        Assert.Equal(CallPurpose.Cancelled, (await fixture.Ledger.ReadAsync(fixture.Job.JobId, CancellationToken.None))[1].Purpose);
    }

    [Fact]
    public async Task Execute_AllRepairsPaid_GivesTheSameOutputWithoutCall()
    {
        // The model repeats itself, so both repairs are the same request.
        await using var fixture = await LlmFixture.StartAsync(Script(Answer("no"), Answer("no"), Answer("[1]")));
        List<LlmDelta> deltas = [];
        var first = await RunAsync(fixture, change: WithRepairs(2));

        var again = await RunAsync(fixture, deltas.Add, change: WithRepairs(2));

        Assert.Equal(first.Output.GetRawText(), again.Output.GetRawText());
        Assert.Equal(first.Usage, again.Usage);
        Assert.Equal(3, fixture.Upstream.Received.Count);
        Assert.Empty(deltas);
    }

    [Fact]
    public async Task Execute_BrokenOffBetweenTwoEqualRepairs_BuysOnlyTheSecond()
    {
        await using var fixture = await LlmFixture.StartAsync(Script(Answer("no"), Answer("no"), Answer("no"), Answer("never")));
        await RunAsync(fixture, change: WithRepairs(1));

        var result = await RunAsync(fixture, change: WithRepairs(2));

        Assert.Equal(ErrorTypes.InvalidOutput, result.Error!.Type);
        Assert.Contains("after 2 repairs", result.Error.Message, StringComparison.Ordinal);
        Assert.Equal(3, fixture.Upstream.Received.Count);
    }

    [Fact]
    public async Task Execute_FallbackPaid_IsUsedWithoutAskingTheFirstModelAgain()
    {
        await using var fixture = await LlmFixture.StartAsync(Script(Refusal(503), Answer("Hi", model: "other")));
        var first = await RunAsync(fixture, change: WithFallback);

        var again = await RunAsync(fixture, change: WithFallback);

        Assert.Equal(first.Output.GetRawText(), again.Output.GetRawText());
        Assert.Equal("other", again.Output.GetProperty("model").GetString());
        Assert.Equal(2, fixture.Upstream.Received.Count);
    }

    [Fact]
    public async Task Execute_BrokenReplyOfAFallback_IsRepairedByItAfterTheResume()
    {
        await using var fixture = await LlmFixture.StartAsync(Script(Refusal(503), Answer("no"), Answer("[1]")));
        await RunAsync(fixture, change: step => WithFallback(WithRepairs(0)(step)));

        var result = await RunAsync(fixture, change: step => WithFallback(WithRepairs(1)(step)));

        Assert.Equal("[1]", result.Output.GetProperty("json").GetRawText());
        Assert.Equal([LlmFixture.Model, "other", "other"], Requests(fixture).Select(request => request.GetProperty("model").GetString()));
    }

    [Fact]
    public async Task Execute_SecondRoundBroken_GoesOnInTheSecondRound()
    {
        await using var fixture = await LlmFixture.StartAsync(Script(Answer("a"), Answer("b"), Answer("c"), Refusal(500), Answer("[1]")));
        await RunAsync(fixture, change: WithRepairs(1));
        var second = await RunAsync(fixture, change: WithRepairs(1));

        var third = await RunAsync(fixture, change: WithRepairs(1));

        Assert.Equal(ErrorTypes.UpstreamServerError, second.Error!.Type);
        Assert.Null(third.Error);
        Assert.Equal("c", Content(Requests(fixture)[4], 2));
        Assert.Equal(5, third.Usage!.Calls);
    }

    [Fact]
    public async Task Execute_ChangedPrompt_MakesANewCall()
    {
        await using var fixture = await LlmFixture.StartAsync(Script(Answer("[1]"), Answer("[2]")));
        await RunAsync(fixture, change: WithRepairs(1));

        var result = await RunAsync(fixture, change: step => WithRepairs(1)(step) with { SystemPrompt = "Other" });

        Assert.Equal("[2]", result.Output.GetProperty("json").GetRawText());
        Assert.Equal(CallPurpose.Retry, fixture.Ledger.Reservations[1].Purpose);
    }

    private static Func<LlmStepDefinition, LlmStepDefinition> WithRepairs(int attempts) =>
        step => step with { ResponseFormat = ResponseFormat.Json, RepairAttempts = attempts, Stream = false };

    private static LlmStepDefinition WithFallback(LlmStepDefinition step) => step with { Fallbacks = [new(null, "other")], Stream = false };
}
