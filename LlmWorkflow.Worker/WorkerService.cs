using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Execution;
using LlmWorkflow.Engine.ExternalServices.Caching;
using LlmWorkflow.Engine.Maintenance;
using LlmWorkflow.Engine.Queue;
using LlmWorkflow.Engine.Storage;
using LlmWorkflow.Engine.Webhooks;
using Microsoft.Extensions.Options;

namespace LlmWorkflow.Worker;

/// <summary>
/// Life of a worker: wait for the database, migrate, register, run the loops. On stop: take no more jobs, let what runs reach its next
/// checkpoint within the grace period, hand the rest back, give up the lease. The lease is renewed while anything runs.
/// </summary>
internal sealed class WorkerService(
    Migrator migrator, LeaseStore leaseStore, WorkerLease lease, JobConsumer consumer, JobStream stream, JobEventBus bus, JobRescuer rescuer,
    QueueSweeper sweeper, JobTimers timers, QueueSampler sampler, CallReconciler reconciler, ReplyCleaner cleaner, WebhookDelivery webhooks, WorkflowCatalog catalog, IOptions<WorkerOptions> options, TimeProvider time, Random random,
    ILogger<WorkerService> logger) : BackgroundService
{
    // Also the answer to a lost cancel message: the worker looks for itself.
    private static readonly TimeSpan CancelPoll = TimeSpan.FromMilliseconds(800);

    private static readonly TimeSpan WebhookPoll = TimeSpan.FromSeconds(1);

    // After the grace period calls are cut off; their settlement and the hand-back take this long at most.
    private static readonly TimeSpan HandBackTime = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _stopFetching = new();
    private readonly CancellationTokenSource _stopLoops = new();
    private Task _consuming = Task.CompletedTask;
    private Task _loops = Task.CompletedTask;

    /// <inheritdoc/>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopFetching.CancelAsync();
        await base.StopAsync(cancellationToken);
        await _consuming;
        WorkerLog.Leaving(logger, consumer.Running, options.Value.Grace.TotalSeconds);
        consumer.HandBackAtCheckpoint();
        if (!await IdleWithinAsync(options.Value.Grace, cancellationToken))
        {
            consumer.StopAll(StopReason.Shutdown);
            await IdleWithinAsync(HandBackTime, CancellationToken.None);
        }

        // No job runs here any more, so the lease need not be renewed either.
        await _stopLoops.CancelAsync();
        await _loops;
        using (var grace = new CancellationTokenSource(HandBackTime, time))
        {
            await webhooks.StopAsync(grace.Token);
        }

        await LeaveAsync();
        WorkerLog.Left(logger);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _stopFetching.Dispose();
        _stopLoops.Dispose();
        base.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // For the prices: jobs run with the definition that they are pinned to.
        catalog.Watch();
        await RegisterAsync(stoppingToken);
        await stream.SubscribeAsync(consumer.Wake);
        await bus.SubscribeCancelsAsync(jobId => consumer.Stop(jobId, StopReason.CancelRequested));
        var loops = _stopLoops.Token;
        _loops = Task.WhenAll(
            Loop("lease", WorkerLease.RenewEvery, RenewAsync).RunAsync(loops),
            Loop("rescue", JobRescuer.Every, RescueAsync).RunAsync(loops),
            Loop("timers", JobTimers.Every, timers.RunOnceAsync).RunAsync(loops),
            Loop("sweep", QueueSweeper.Every, sweeper.RunOnceAsync).RunAsync(loops),
            Loop("queue gauges", QueueSampler.Every, sampler.RunOnceAsync).RunAsync(loops),
            Loop("cancel", CancelPoll, StopCancelledAsync).RunAsync(loops),
            Loop("calls", CallReconciler.Every, reconciler.RunOnceAsync).RunAsync(loops),
            Loop("kept replies", ReplyCleaner.Every, cleaner.RunOnceAsync).RunAsync(loops),
            Loop("webhooks", WebhookPoll, DeliverAsync).RunAsync(loops));
        _consuming = Loop("jobs", TimeSpan.Zero, consumer.RunOnceAsync).RunAsync(_stopFetching.Token);
        await _consuming.WaitAsync(stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private BackgroundLoop Loop(string name, TimeSpan every, Func<CancellationToken, Task<bool>> runOnce) =>
        new(name, every, runOnce, time, random, logger);

    // As soon as there is a database of this version.
    private async Task RegisterAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                if (options.Value.MigrateOnStart)
                {
                    await migrator.UpAsync(cancellationToken);
                }

                if (await migrator.MissingAsync(cancellationToken) is not [var missing, ..])
                {
                    await lease.RegisterAsync(WorkerProcess.Identify(options.Value.Slots), cancellationToken);
                    return;
                }

                WorkerLog.WaitingForDatabase(logger, $"migration {missing.Version:D4}_{missing.Name} is missing and MIGRATE_ON_START is off");
            }
            catch (Exception e) when (Database.IsTransient(e))
            {
                WorkerLog.WaitingForDatabase(logger, e.Message);
            }

            await Task.Delay(TimeSpan.FromSeconds(1), time, cancellationToken);
        }
    }

    private async Task<bool> RenewAsync(CancellationToken cancellationToken)
    {
        if (await lease.RenewAsync(cancellationToken))
        {
            return false;
        }

        // The lease is lost: what runs here may be somebody else's soon. A new lease under a new id, then the old one's jobs go back
        // into the queue, not counted against them: this process is alive, only the database was out of reach.
        var former = lease.Worker;
        Engine.Diagnostics.Log.WorkerLeaseLost(logger, former.Id, consumer.StopAll(StopReason.LeaseLost));
        await lease.RegisterAsync(WorkerProcess.Identify(options.Value.Slots), cancellationToken);
        await leaseStore.ExpireAsync([former.Id], cancellationToken);
        await rescuer.RescueAsync(former.Id, "it lost its lease", countTakeover: false, cancellationToken);
        return false;
    }

    private async Task<bool> RescueAsync(CancellationToken cancellationToken)
    {
        // The snapshot first: a job that ends after it is not processing any more, so it cannot be taken for unknown.
        var known = consumer.RunningIds;
        await stream.AddAsync(await leaseStore.RequeueUnknownAsync(lease.Worker.Id, known, cancellationToken));
        await rescuer.RunOnceAsync(cancellationToken);
        return false;
    }

    private async Task<bool> StopCancelledAsync(CancellationToken cancellationToken)
    {
        foreach (var jobId in await leaseStore.CancelledAsync(lease.Worker.Id, cancellationToken))
        {
            consumer.Stop(jobId, StopReason.CancelRequested);
        }

        return false;
    }

    private async Task<bool> DeliverAsync(CancellationToken cancellationToken)
    {
        if (!await webhooks.RunOnceAsync(cancellationToken))
        {
            await webhooks.WaitAsync(WebhookPoll, cancellationToken);
        }

        return true;
    }

    private async Task<bool> IdleWithinAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            await consumer.WaitUntilIdleAsync(either.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    // Whatever could not be handed back by its run goes back now: nobody waits for the lease to run out.
    private async Task LeaveAsync()
    {
        try
        {
            await leaseStore.ExpireAsync([lease.Worker.Id], CancellationToken.None);
            await rescuer.RescueAsync(lease.Worker.Id, "it is leaving", countTakeover: false, CancellationToken.None, leaving: true);
        }
        catch (Exception e) when (Database.IsTransient(e) || e is InvalidOperationException)
        {
            // The database is away, or the worker never registered: the others take over when the lease runs out.
            WorkerLog.WaitingForDatabase(logger, e.Message);
        }
    }
}
