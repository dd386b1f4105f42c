using LlmWorkflow.Engine.Jobs;

namespace LlmWorkflow.Engine.Execution;

/// <summary>Why a run was stopped from outside.</summary>
public enum StopReason
{
    /// <summary>It was not.</summary>
    None,

    /// <summary>Somebody asked to cancel the job.</summary>
    CancelRequested,

    /// <summary>The job's running time is used up.</summary>
    TimedOut,

    /// <summary>The worker is leaving; the job goes back into the queue.</summary>
    Shutdown,

    /// <summary>The job is somebody else's now; nothing more may be written.</summary>
    LeaseLost,
}

/// <summary>A job while it runs here: its event number, and the way to stop it.</summary>
public sealed class RunningJob : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _lost = new();
    private readonly Lock _lock = new();

    /// <summary>A run of <paramref name="job"/>; <paramref name="eventSequence"/> is the job's last event number.</summary>
    public RunningJob(LeasedJob job, long eventSequence, RunObserver observer)
    {
        Job = job;
        EventSequence = eventSequence;
        Observer = observer;
    }

    /// <summary>The job.</summary>
    public LeasedJob Job { get; }

    /// <summary>Who watches.</summary>
    public RunObserver Observer { get; }

    /// <summary>Number of the last event that is written.</summary>
    public long EventSequence { get; internal set; }

    /// <summary>Cancelled when the run must stop now.</summary>
    public CancellationToken Token => _stop.Token;

    /// <summary>
    /// Cancelled only when the lease is lost. Writes wait on this one: a write that is under way when a run is stopped must be known to be
    /// done, or the next one would carry the wrong event number.
    /// </summary>
    public CancellationToken Owned => _lost.Token;

    /// <summary>Why it must stop.</summary>
    public StopReason Reason { get; private set; }

    /// <summary>The worker is leaving: stop at the next checkpoint, and let what is under way finish.</summary>
    public bool HandBackAtCheckpoint { get; set; }

    /// <summary>Stops the run. The first reason counts, but a lost lease overrides every other.</summary>
    public void Stop(StopReason reason)
    {
        lock (_lock)
        {
            if (Reason is StopReason.None || reason is StopReason.LeaseLost)
            {
                Reason = reason;
            }
        }

        try
        {
            if (reason is StopReason.LeaseLost)
            {
                _lost.Cancel();
            }

            _stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The run has just ended by itself.
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stop.Dispose();
        _lost.Dispose();
    }
}

/// <summary>Who watches a run: the event bus in a worker, the terminal in a run without servers.</summary>
public sealed record RunObserver
{
    /// <summary>Nobody.</summary>
    public static RunObserver None { get; } = new();

    /// <summary>An event was committed.</summary>
    public Action<JobEvent> OnEvent { get; init; } = static _ => { };

    /// <summary>Text was streamed.</summary>
    public Action<LlmDelta> OnDelta { get; init; } = static _ => { };

    /// <summary>Waits until the streamed text of the step at this path is out, so that it does not arrive after the event that ends the step.</summary>
    public Func<string, Task> FlushAsync { get; init; } = static _ => Task.CompletedTask;
}
