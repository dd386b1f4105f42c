using System.Text.Json;
using LlmWorkflow.Engine.Jobs;

namespace LlmWorkflow.Engine.Execution;

/// <summary>Answers a signal that a run without servers waits for: its payload, or null when nobody will answer before the end of the wait.</summary>
public delegate Task<JsonElement?> SignalSource(StepWait wait, CancellationToken cancellationToken);

/// <summary>
/// Runs one job in this process until its end, without servers (<c>llmflow run</c>): the same <see cref="JobRunner"/> as in a worker. Where a worker would park
/// the job, this waits: for the time, or for the answer to a signal.
/// </summary>
/// <param name="runner">The engine, over <see cref="InMemoryCheckpoints"/>.</param>
/// <param name="time">The clock of the waits.</param>
/// <param name="skipWaits">Takes each <c>wait</c> as over at once.</param>
public sealed class InProcessRun(JobRunner runner, SkippableTime time, bool skipWaits)
{
    /// <summary>Runs the job to its end; never gives a transition to <c>waiting</c> or <c>queued</c>.</summary>
    /// <param name="job">Who and what it is for.</param>
    /// <param name="input">Its input.</param>
    /// <param name="observer">Who watches.</param>
    /// <param name="signals">Answers signals, one at a time.</param>
    /// <param name="cancellationToken">Cancels the job, as a user would: its calls are stopped and what they cost is recorded.</param>
    public async Task<JobTransition> RunAsync(JobIdentity job, JsonElement input, RunObserver observer, SignalSource signals, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(job);
        ArgumentNullException.ThrowIfNull(observer);
        ArgumentNullException.ThrowIfNull(signals);
        var answers = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        var owner = Guid.CreateVersion7();
        var startedAt = time.GetUtcNow();
        var sequence = 0L;
        for (var fence = 1; ; fence++)
        {
            var leased = new LeasedJob
            {
                Identity = job, Fence = new(job.JobId, owner, fence), Input = input, StartedAt = startedAt, ClaimedAt = time.GetUtcNow(), Signals = answers,
            };
            using var run = new RunningJob(leased, sequence, observer);
            using var stop = cancellationToken.Register(static state => ((RunningJob)state!).Stop(StopReason.CancelRequested), run);
            var transition = await runner.RunAsync(run) ?? throw new InvalidOperationException("A run without servers cannot lose its lease.");
            observer.OnEvent(transition.Event);
            if (transition.To is not JobStatus.Waiting)
            {
                return transition;
            }

            sequence = run.EventSequence + 1;
            try
            {
                await WaitAsync(transition.Waits, answers, signals, cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                // The next round ends the job as cancelled, in its own words.
            }
        }
    }

    private async Task WaitAsync(IReadOnlyList<StepWait> waits, Dictionary<string, JsonElement> answers, SignalSource signals, CancellationToken cancellationToken)
    {
        foreach (var wait in waits.Where(w => w.Signal is not null).DistinctBy(w => w.Signal))
        {
            if (await signals(wait, cancellationToken) is { } answer)
            {
                answers[wait.Signal!] = answer;
                return;
            }
        }

        // Nobody answers: what is left is to let time pass, if that can change anything.
        if (waits.Min(w => w.Until) is not { } until)
        {
            throw new UnansweredSignalException(waits.First(w => w.Signal is not null).Signal!);
        }

        // A provider does not forget by skipping.
        if (skipWaits && waits.All(w => w.Reason is WaitReason.Time or WaitReason.Signal))
        {
            time.SkipTo(until);
        }
        else if (until - time.GetUtcNow() is { Ticks: > 0 } left)
        {
            await Task.Delay(left, time, cancellationToken);
        }
    }
}

/// <summary>A run without servers waits for a signal without end, and nobody will send it.</summary>
/// <param name="signal">Name of the signal.</param>
public sealed class UnansweredSignalException(string signal) : Exception($"The run waits for the signal '{signal}', and nobody answers it.")
{
    /// <summary>Name of the signal.</summary>
    public string Signal { get; } = signal;
}

/// <summary>The system's clock, which can be put forward: a skipped wait is over for every part of the engine.</summary>
public sealed class SkippableTime : TimeProvider
{
    private long _skippedTicks;

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + TimeSpan.FromTicks(Interlocked.Read(ref _skippedTicks));

    /// <summary>Puts the clock forward to a time; one that has passed changes nothing.</summary>
    public void SkipTo(DateTimeOffset until)
    {
        if (until - GetUtcNow() is { Ticks: > 0 } left)
        {
            Interlocked.Add(ref _skippedTicks, left.Ticks);
        }
    }
}
