using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Providers.Gate;
using LlmWorkflow.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using static LlmWorkflow.Tests.Engine.Providers.Gate.GateBench;

namespace LlmWorkflow.Tests.Engine.Providers.Gate;

public sealed class LocalProviderGateTests
{
    private readonly VirtualTime _time = new();
    private SpendLimits _limits = SpendLimits.None;

    [Fact]
    public async Task EnterAsync_FiveFailures_RefusesEveryModelOfTheCredential()
    {
        var gate = Gate();
        for (var i = 0; i < 5; i++)
        {
            await gate.LeaveAsync(await PassAsync(gate, Key), Of(GateOutcome.Failed));
        }

        var refusal = (await gate.EnterAsync(Key with { Model = "other" }, Ask(), CancellationToken.None)).Refusal!;

        Assert.Equal((ErrorTypes.CircuitOpen, ErrorCategory.External, true, 15.0), (refusal.Type, refusal.Category, refusal.Retryable, refusal.RetryAfter));
        Assert.Equal(("acme", "other"), (refusal.Details!.Service, refusal.Details.Operation));
        Assert.NotEmpty(refusal.Details.Suggestions);
        await PassAsync(gate, Key with { Credential = "c2" });

        _time.Advance(TimeSpan.FromSeconds(15));
        var probe = await PassAsync(gate, Key);
        Assert.NotNull((await gate.EnterAsync(Key, Ask("b"), CancellationToken.None)).Refusal);
        await gate.LeaveAsync(probe, Answered());
        await PassAsync(gate, Key, "b");
    }

    [Fact]
    public async Task EnterAsync_Refused_TellsWhenToComeByTheProcessClock()
    {
        var gate = Gate();
        await gate.LeaveAsync(await PassAsync(gate, Key), Limited(30));

        var wait = (await gate.EnterAsync(Key, Ask(), CancellationToken.None)).Wait!;

        Assert.Equal(GateWaitReason.Paused, wait.Reason);
        Assert.InRange(wait.Until - _time.GetUtcNow(), TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(30.2));
        _time.Advance(wait.Until - _time.GetUtcNow());
        await PassAsync(gate, Key);
    }

    [Fact]
    public async Task EnterAsync_SlotFreedInThisProcess_IsTakenAtOnce()
    {
        _limits = For(Limits(concurrency: 1));
        var gate = Gate();
        var pass = await PassAsync(gate, Key);

        var waiting = gate.EnterAsync(Key, Ask("b"), CancellationToken.None);
        Assert.False(waiting.IsCompleted);
        await gate.LeaveAsync(pass, Answered());

        Assert.NotNull((await waiting.WaitAsync(TimeSpan.FromSeconds(60))).Pass);
    }

    [Fact]
    public async Task EnterAsync_SlotFreedAfterAnotherGaveUp_IsTakenAtOnce()
    {
        _limits = For(Limits(concurrency: 1));
        VirtualTime time = new();
        var gate = new LocalProviderGate(() => _limits, time, new Random(1), NullLogger<LocalProviderGate>.Instance);
        var pass = await PassAsync(gate, Key);
        var gaveUp = gate.EnterAsync(Key, Ask("b"), CancellationToken.None);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.NotNull((await gaveUp).Wait);

        var waiting = gate.EnterAsync(Key, Ask("c"), CancellationToken.None);
        Assert.False(waiting.IsCompleted);
        await gate.LeaveAsync(pass, Answered());

        Assert.NotNull((await waiting.WaitAsync(TimeSpan.FromSeconds(5))).Pass);
    }

    [Fact]
    public async Task EnterAsync_AnotherWasCancelled_TakesTheSlotAtOnce()
    {
        _limits = For(Limits(concurrency: 2));
        var gate = new LocalProviderGate(() => _limits, new VirtualTime(), new Random(1), NullLogger<LocalProviderGate>.Instance);
        var first = await PassAsync(gate, Key, "a");
        await PassAsync(gate, Key, "b");
        using var stop = new CancellationTokenSource();
        var cancelled = gate.EnterAsync(Key, Ask("c"), stop.Token);
        var waiting = gate.EnterAsync(Key, Ask("d"), CancellationToken.None);

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        await gate.LeaveAsync(first, Answered());

        Assert.NotNull((await waiting.WaitAsync(TimeSpan.FromSeconds(5))).Pass);
    }

    [Fact]
    public async Task EnterAsync_NoSlotFreed_AnswersWithinSeconds()
    {
        _limits = For(Limits(concurrency: 1));
        var gate = Gate();
        await PassAsync(gate, Key);

        var waiting = gate.EnterAsync(Key, Ask("b"), CancellationToken.None);
        await _time.WaitForTimersAsync(1);
        _time.Advance(TimeSpan.FromSeconds(0.9));
        Assert.False(waiting.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(2));

        Assert.Equal(GateWaitReason.Concurrency, (await waiting).Wait!.Reason);
    }

    [Fact]
    public async Task EnterAsync_Cancelled_LeavesNoTrace()
    {
        _limits = For(Limits(concurrency: 1));
        var gate = Gate();
        var pass = await PassAsync(gate, Key);
        using var stop = new CancellationTokenSource();
        var waiting = gate.EnterAsync(Key, Ask("b"), stop.Token);

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        await gate.LeaveAsync(pass, Answered());

        await PassAsync(gate, Key, "c");
    }

    [Fact]
    public async Task LeaveAsync_NotSent_GivesThePlaceBack()
    {
        _limits = For(Limits(rpm: 10));
        var gate = Gate();
        for (var i = 0; i < 5; i++)
        {
            await gate.LeaveAsync(await PassAsync(gate, Key, $"t{i}"), GateReport.NotSent);
        }

        await gate.LeaveAsync(await PassAsync(gate, Key, "sent"), Answered());
        Assert.Equal(GateWaitReason.Paced, (await gate.EnterAsync(Key, Ask("next"), CancellationToken.None)).Wait!.Reason);
    }

    [Fact]
    public async Task LeaveAsync_Twice_CountsOnce()
    {
        _limits = For(Limits(concurrency: 2));
        var gate = Gate();
        var first = await PassAsync(gate, Key, "a");
        await PassAsync(gate, Key, "b");

        await gate.LeaveAsync(first, Answered());
        await gate.LeaveAsync(first, Answered());

        await PassAsync(gate, Key, "c");
        Assert.False(gate.EnterAsync(Key, Ask("d"), CancellationToken.None).IsCompleted);
    }

    [Fact]
    public async Task EnterAsync_LimitsReloaded_CountAtOnce()
    {
        var gate = Gate();
        await gate.LeaveAsync(await PassAsync(gate, Key), Answered());
        await PassAsync(gate, Key, "a");

        _limits = For(Limits(rpm: 1));
        await PassAsync(gate, Key, "b");

        Assert.Equal(GateWaitReason.Paced, (await gate.EnterAsync(Key, Ask("c"), CancellationToken.None)).Wait!.Reason);
    }

    private static async Task<GatePass> PassAsync(LocalProviderGate gate, GateKey key, string ticket = "t")
    {
        var answer = await gate.EnterAsync(key, Ask(ticket), CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(60));
        return answer.Pass ?? throw new InvalidOperationException($"No pass: {answer.Wait?.ToString() ?? answer.Refusal?.Message}.");
    }

    private LocalProviderGate Gate() => new(() => _limits, _time, new Random(1), NullLogger<LocalProviderGate>.Instance);
}
