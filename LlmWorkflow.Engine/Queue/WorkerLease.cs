using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Storage;
using Microsoft.Extensions.Logging;

namespace LlmWorkflow.Engine.Queue;

/// <summary>
/// This worker's lease. Trust ends at the start of the last successful renewal + the lease − a margin, by the monotonic clock: from then on
/// the worker must act as if its jobs were somebody else's, because soon they will be.
/// </summary>
public sealed class WorkerLease(LeaseStore store, TimeProvider time, ILogger<WorkerLease> logger) : IDisposable
{
    /// <summary>How long a renewal holds: the longest wait before a dead worker's jobs are taken over.</summary>
    public static readonly TimeSpan Duration = TimeSpan.FromSeconds(10);

    /// <summary>Time between renewals, and the longest that one may take.</summary>
    public static readonly TimeSpan RenewEvery = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private CancellationTokenSource _lost = new();
    private WorkerIdentity? _worker;
    private long _trustedSince;

    /// <summary>The worker; its id changes when a lease was lost and a new one taken.</summary>
    public WorkerIdentity Worker => _worker ?? throw new InvalidOperationException("The worker is not registered yet.");

    /// <summary>Whether the lease can be trusted now.</summary>
    public bool IsTrusted => _worker is not null && !_lost.IsCancellationRequested && time.GetElapsedTime(_trustedSince) < Duration - Margin;

    /// <summary>Cancelled when the present lease is lost.</summary>
    public CancellationToken Lost => _lost.Token;

    /// <summary>Workers with a lease, as the last renewal saw them; this one included.</summary>
    public int LiveWorkers { get; private set; } = 1;

    /// <summary>Registers under a new id.</summary>
    public async Task RegisterAsync(WorkerIdentity worker, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        await store.RegisterAsync(worker, Duration, cancellationToken);
        lock (_lock)
        {
            _lost = new();
            _worker = worker;
            _trustedSince = started;
        }

        Log.WorkerRegistered(logger, worker.Id, worker.Capacity);
    }

    /// <summary>Renews, again and again while the database is away, and gives the lease up when it can no longer be trusted. Returns whether it is trusted.</summary>
    public async Task<bool> RenewAsync(CancellationToken cancellationToken)
    {
        while (IsTrusted)
        {
            var started = time.GetTimestamp();
            // Not longer than it is trusted: soon after that, others take its jobs.
            var left = Duration - Margin - time.GetElapsedTime(_trustedSince);
            using var limit = new CancellationTokenSource(left > RenewEvery ? RenewEvery : left > TimeSpan.Zero ? left : TimeSpan.Zero, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
            try
            {
                if (await store.RenewAsync(Worker.Id, Duration, either.Token) is { } live)
                {
                    LiveWorkers = live;
                    _trustedSince = started;
                    return true;
                }

                break;
            }
            catch (Exception e) when (Database.IsTransient(e) || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                Log.DatabaseAway(logger, e.Message);
            }

            // Not only when the next renewal is due: after one that took its whole time, that may be too late.
            await Task.Delay(RetryAfter, time, cancellationToken);
        }

        GiveUp();
        return false;
    }

    /// <inheritdoc/>
    public void Dispose() => _lost.Dispose();

    private void GiveUp()
    {
        lock (_lock)
        {
            _lost.Cancel();
        }
    }
}
