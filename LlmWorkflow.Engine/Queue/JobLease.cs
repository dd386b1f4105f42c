using LlmWorkflow.Engine.Storage;

namespace LlmWorkflow.Engine.Queue;

/// <summary>Turns ids off the streams into jobs that this worker owns. Ids that are not queued any more are dropped: a duplicate is harmless.</summary>
public sealed class JobLease(LeaseStore store, WorkerLease lease)
{
    /// <summary>Whether jobs can be claimed now: what is taken off the streams without it would only wait for the sweep.</summary>
    public bool IsTrusted => lease.IsTrusted;

    /// <summary>Claims jobs in one statement. Nothing is claimed while the worker's own lease is in doubt.</summary>
    public async Task<IReadOnlyList<ClaimedJob>> ClaimAsync(IReadOnlyList<Guid> jobIds, CancellationToken cancellationToken) =>
        jobIds.Count > 0 && IsTrusted ? await store.ClaimAsync(lease.Worker.Id, jobIds, cancellationToken) : [];
}
