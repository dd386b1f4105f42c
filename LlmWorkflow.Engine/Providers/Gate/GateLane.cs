using System.Diagnostics;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Diagnostics;
using Microsoft.Extensions.Logging;

namespace LlmWorkflow.Engine.Providers.Gate;

/// <summary>What a process's lanes have in common.</summary>
/// <param name="Store">Where gates are kept.</param>
/// <param name="Process">Names this process in them.</param>
/// <param name="Limits">The current <c>limits.json</c>.</param>
/// <param name="Time">Clock of the waits that callers are told.</param>
/// <param name="Chance">From 0 to 1; safe for many callers.</param>
/// <param name="Logger">Is told of changes.</param>
internal sealed record GateSurroundings(IGateStore Store, string Process, Func<SpendLimits> Limits, TimeProvider Time, Func<double> Chance, ILogger Logger);

/// <summary>
/// A gate as this process sees it. Whatever waits while one change is written goes out together in the next; a single ask goes out at once.
/// </summary>
internal sealed class GateLane(GateKey key, GateSurroundings surroundings)
{
    // Keeps the script short.
    private const int LargestBatch = 64;

    // Longest time that an ask waits here for a call of this process to end, before it is told to wait elsewhere.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly Queue<Operation> _pending = [];
    private readonly LinkedList<TaskCompletionSource> _waiting = [];
    private readonly Dictionary<Guid, GateCall> _calls = [];
    private readonly TagList _tags = [new(EngineTelemetry.Tags.Provider, key.Provider), new(EngineTelemetry.Tags.RequestModel, key.Model)];
    private bool _running;
    private long _ended;

    // The provider has answered before: that it answers is no news.
    private volatile bool _isKnown;

    /// <inheritdoc cref="IProviderGate.EnterAsync"/>
    public async Task<GateAnswer> EnterAsync(GateAsk ask, CancellationToken cancellationToken)
    {
        var time = surroundings.Time;
        var started = time.GetTimestamp();
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var ended = Volatile.Read(ref _ended);
            var operation = new Operation { Ask = ask };
            // Not to be cancelled: what was written would be left behind.
            var (verdict, call) = await AddAsync(operation);
            if (cancellationToken.IsCancellationRequested)
            {
                await TakeBackAsync(ask, verdict, call);
                cancellationToken.ThrowIfCancellationRequested();
            }

            var rest = s_patience - time.GetElapsedTime(started);
            if (verdict is { Decision: GateDecision.Wait, Reason: GateWaitReason.Concurrency } && rest > TimeSpan.Zero && TryWait(ended) is { } freed)
            {
                using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                await Task.WhenAny(freed.Task, Task.Delay(rest, time, stop.Token));
                StopWaiting(freed, cancellationToken.IsCancellationRequested);
                await stop.CancelAsync();
                continue;
            }

            return Answer(verdict, call);
        }
    }

    /// <inheritdoc cref="IProviderGate.HearAsync"/>
    public Task HearAsync(GatePass pass, IReadOnlyList<RateLimitWindow> windows) =>
        (windows.Count > 0 || !_isKnown) && Find(pass) is { } call ? AddAsync(new Operation { Heard = call, Windows = windows }) : Task.CompletedTask;

    /// <inheritdoc cref="IProviderGate.LeaveAsync"/>
    public Task LeaveAsync(GatePass pass, GateReport report) =>
        Find(pass) is { } call ? AddAsync(new Operation { Ended = call, Report = report }) : Task.CompletedTask;

    /// <summary>Tells the fleet that this process lives and what it has in flight.</summary>
    public Task RenewAsync()
    {
        lock (_lock)
        {
            if (_calls.Count == 0)
            {
                return Task.CompletedTask;
            }
        }

        return AddAsync(new Operation());
    }

    private GateCall? Find(GatePass pass)
    {
        lock (_lock)
        {
            return _calls.GetValueOrDefault(pass.Id);
        }
    }

    private GateAnswer Answer(GateVerdict verdict, GateCall? call)
    {
        if (call is not null)
        {
            return new(new GatePass(key, call.Id), null, null);
        }

        if (verdict.Decision == GateDecision.Refused)
        {
            return new(null, null, GateErrors.Open(key, verdict.Rest));
        }

        EngineTelemetry.GateWaits.Add(1, [.. _tags, new(EngineTelemetry.Tags.GateReason, GateErrors.Name(verdict.Reason))]);
        return new(null, new GateWait(surroundings.Time.GetUtcNow() + TimeSpan.FromMilliseconds(Math.Max(1, verdict.Rest)), verdict.Reason), null);
    }

    private Task TakeBackAsync(GateAsk ask, GateVerdict verdict, GateCall? call) =>
        call is not null ? AddAsync(new Operation { Ended = call, Report = GateReport.NotSent })
        : verdict.Placed ? AddAsync(new Operation { Withdrawn = ask })
        : Task.CompletedTask;

    // No more wait here than there are calls that may end; nobody, when one has ended since the ask.
    private TaskCompletionSource? TryWait(long ended)
    {
        var freed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            if (_ended != ended)
            {
                freed.SetResult();
                return freed;
            }

            if (_waiting.Count >= _calls.Count)
            {
                return null;
            }

            _waiting.AddLast(freed);
            return freed;
        }
    }

    // A slot that is freed is for somebody who still waits.
    private void StopWaiting(TaskCompletionSource freed, bool isCancelled)
    {
        lock (_lock)
        {
            if (!_waiting.Remove(freed) && isCancelled)
            {
                WakeNext();
            }
        }
    }

    private void WakeNext()
    {
        if (_waiting.First is { Value: var next })
        {
            _waiting.RemoveFirst();
            next.TrySetResult();
        }
    }

    private Task<Outcome> AddAsync(Operation operation)
    {
        lock (_lock)
        {
            _pending.Enqueue(operation);
            if (_running)
            {
                return operation.Done.Task;
            }

            _running = true;
        }

        // The changes belong to no single caller, nor do their traces.
        using (ExecutionContext.SuppressFlow())
        {
            _ = RunAsync();
        }

        return operation.Done.Task;
    }

    private async Task RunAsync()
    {
        List<Operation> batch = new(LargestBatch);
        while (true)
        {
            batch.Clear();
            int inFlight;
            lock (_lock)
            {
                while (batch.Count < LargestBatch && _pending.TryDequeue(out var operation))
                {
                    batch.Add(operation);
                }

                if (batch.Count == 0)
                {
                    _running = false;
                    return;
                }

                inFlight = _calls.Count;
            }

            try
            {
                await ApplyAsync(batch, inFlight);
            }
            catch (Exception e)
            {
                batch.ForEach(operation => operation.Done.TrySetException(e));
            }
        }
    }

    private async Task ApplyAsync(List<Operation> batch, int inFlight)
    {
        var verdicts = new GateVerdict[batch.Count];
        string[] tickets = [.. batch.Select(operation => (operation.Ask ?? operation.Withdrawn)?.Ticket).OfType<string>()];
        var turn = await surroundings.Store.UpdateAsync(key, tickets, (before, now, workers) =>
        {
            var limits = surroundings.Limits().Model(key.Provider, key.Model);
            var next = new GateTurn(before, new(now, surroundings.Process, limits, workers, surroundings.Chance()), inFlight);
            for (var i = 0; i < verdicts.Length; i++)
            {
                verdicts[i] = batch[i].Apply(next);
            }

            return next;
        });
        _isKnown = turn.After.Gate.Known;
        GateChanges.Tell(key, turn, surroundings.Logger);
        for (var i = 0; i < verdicts.Length; i++)
        {
            batch[i].Done.TrySetResult(new(verdicts[i], Book(batch[i], verdicts[i], turn)));
        }
    }

    // Its own list of calls: right whatever becomes of the shared state.
    private GateCall? Book(Operation operation, GateVerdict verdict, GateTurn turn)
    {
        lock (_lock)
        {
            if (operation.Ended is { } ended && _calls.Remove(ended.Id))
            {
                EngineTelemetry.GateCallsInFlight.Add(-1, _tags);
                _ended++;
                WakeNext();
            }

            if (operation.Ask is not { } ask || verdict.Decision != GateDecision.Pass)
            {
                return null;
            }

            var call = new GateCall(Guid.NewGuid(), turn.At.Now, ask, turn.Before.Gate.Passes);
            _calls.Add(call.Id, call);
            EngineTelemetry.GateCallsInFlight.Add(1, _tags);
            return call;
        }
    }

    private readonly record struct Outcome(GateVerdict Verdict, GateCall? Call);

    /// <summary>Exactly one of asked, heard, ended and withdrawn; none: a sign of life.</summary>
    private sealed class Operation
    {
        public GateAsk? Ask { get; init; }

        public GateCall? Heard { get; init; }

        /// <summary>Of <see cref="Heard"/>.</summary>
        public IReadOnlyList<RateLimitWindow> Windows { get; init; } = [];

        public GateCall? Ended { get; init; }

        /// <summary>Of <see cref="Ended"/>.</summary>
        public GateReport? Report { get; init; }

        public GateAsk? Withdrawn { get; init; }

        public TaskCompletionSource<Outcome> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public GateVerdict Apply(GateTurn turn)
        {
            if (Ask is not null)
            {
                return turn.Enter(Ask);
            }

            if (Heard is not null)
            {
                turn.Hear(Heard, Windows);
            }
            else if (Ended is not null && Report is not null)
            {
                turn.Leave(Ended, Report);
            }
            else if (Withdrawn is not null)
            {
                turn.GiveBack(Withdrawn);
            }

            return default;
        }
    }
}
