using System.Collections.Concurrent;
using System.Diagnostics;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Execution;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Queue;
using LlmWorkflow.Engine.Storage;
using LlmWorkflow.Engine.Webhooks;
using Microsoft.Extensions.Options;
using Tags = LlmWorkflow.Engine.Diagnostics.EngineTelemetry.Tags;

namespace LlmWorkflow.Worker;

/// <summary>Takes as many jobs as there are free slots, claims them in one statement, and runs each on its own task. The loop itself never runs step code.</summary>
internal sealed class JobConsumer(
    JobStream stream, JobLease leases, JobRunner runner, JobStore jobs, JobEventBus bus, WebhookDelivery webhooks,
    IOptions<WorkerOptions> options, TimeProvider time, Random random, ILogger<JobConsumer> logger) : IDisposable
{
    // A nudge that was lost is made up for by the next look.
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<Guid, RunningJob> _running = new();
    private readonly SemaphoreSlim _wake = new(0, 1);
    private readonly int _slots = options.Value.Slots;

    /// <summary>Jobs that run here now.</summary>
    public int Running => _running.Count;

    /// <summary>Ids of the jobs that run here now.</summary>
    public IReadOnlyList<Guid> RunningIds => [.. _running.Keys];

    /// <summary>Looks at the streams now. Nudges that come together count once.</summary>
    public void Wake()
    {
        try
        {
            _wake.Release();
        }
        catch (SemaphoreFullException)
        {
            // A look is due already.
        }
    }

    /// <summary>Takes and starts jobs until <paramref name="stopFetching"/>.</summary>
    public async Task<bool> RunOnceAsync(CancellationToken stopFetching)
    {
        var free = _slots - _running.Count;
        if (free > 0 && leases.IsTrusted)
        {
            var ids = await stream.TakeAsync(free, random.Next());
            if (ids.Count > 0)
            {
                // From here on the claim must not be cancelled: what it takes must be started, or it would wait for the lease to run out.
                foreach (var claimed in await leases.ClaimAsync(ids, CancellationToken.None))
                {
                    Start(claimed);
                }

                return true;
            }
        }

        using var poll = new CancellationTokenSource(Poll * (0.75 + (random.NextDouble() / 4)), time);
        using var wait = CancellationTokenSource.CreateLinkedTokenSource(stopFetching, poll.Token);
        try
        {
            await _wake.WaitAsync(wait.Token);
        }
        catch (OperationCanceledException)
        {
            stopFetching.ThrowIfCancellationRequested();
        }

        return true;
    }

    /// <summary>Stops one job if it runs here.</summary>
    public void Stop(Guid jobId, StopReason reason)
    {
        if (_running.TryGetValue(jobId, out var run))
        {
            run.Stop(reason);
        }
    }

    /// <summary>Stops every job; returns how many there were.</summary>
    public int StopAll(StopReason reason)
    {
        var stopped = 0;
        foreach (var run in _running.Values)
        {
            run.Stop(reason);
            stopped++;
        }

        return stopped;
    }

    /// <summary>Lets every job stop at its next checkpoint.</summary>
    public void HandBackAtCheckpoint()
    {
        foreach (var run in _running.Values)
        {
            run.HandBackAtCheckpoint = true;
        }
    }

    /// <summary>Waits until nothing runs here.</summary>
    public async Task WaitUntilIdleAsync(CancellationToken cancellationToken)
    {
        while (!_running.IsEmpty)
        {
            await _wake.WaitAsync(cancellationToken);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _wake.Dispose();

    private void Start(ClaimedJob claimed)
    {
        var id = claimed.Job.Identity.JobId;
        var run = new RunningJob(claimed.Job, claimed.EventSequence, new()
        {
            OnEvent = _ => bus.Nudge(id),
            OnDelta = delta => bus.PublishDelta(id, delta),
            FlushAsync = path => bus.FlushAsync(id, path),
        });

        // The same job again within one process: its former run here was lost and is still winding up.
        _running.AddOrUpdate(id, run, (_, former) =>
        {
            former.Stop(StopReason.LeaseLost);
            return run;
        });
        if (claimed.Job.CancelRequested)
        {
            run.Stop(StopReason.CancelRequested);
        }

        _ = Task.Run(() => RunAsync(run));
    }

    private async Task RunAsync(RunningJob run)
    {
        var job = run.Job;
        using var scope = logger.BeginScope(new Dictionary<string, object>
        {
            ["job_id"] = job.Identity.JobId, ["workflow_name"] = job.Identity.WorkflowName,
        });
        ActivityContext.TryParse(job.Identity.TraceParent, null, isRemote: true, out var parent);
        using var activity = EngineTelemetry.Source.StartActivity($"job {job.Identity.WorkflowName}", ActivityKind.Consumer, parent);
        activity?.SetTag(Tags.JobId, job.Identity.JobId.ToString())
            .SetTag(Tags.Workflow, job.Identity.WorkflowName)
            .SetTag(Tags.Priority, (int)job.Identity.Priority)
            .SetTag(Tags.Fence, job.Fence.Number);
        EngineTelemetry.QueueTime.Record(job.QueuedSeconds, new KeyValuePair<string, object?>(Tags.Priority, (int)job.Identity.Priority));
        EngineTelemetry.JobsRunning.Add(1);
        try
        {
            Log.JobStarted(logger, job.Fence.Number, job.QueuedSeconds);
            bus.Nudge(job.Identity.JobId);
            if (await runner.RunAsync(run) is { } transition)
            {
                await ApplyAsync(run, transition, activity);
            }
        }
        catch (OperationCanceledException) when (run.Reason is StopReason.LeaseLost)
        {
            Log.JobLost(logger);
        }
        catch (Exception e)
        {
            // Border of the run's task: nothing above would see it, and the job must not stay owned by nobody.
            Log.JobFaulted(logger, e);
            // Not its message, which can quote what the job produced.
            activity?.SetStatus(ActivityStatusCode.Error).SetTag(Tags.ErrorType, e.GetType().FullName);
            await FailAsync(run, e);
        }
        finally
        {
            EngineTelemetry.JobsRunning.Add(-1);
            _running.TryRemove(new(job.Identity.JobId, run));
            run.Dispose();
            await bus.FlushAsync(job.Identity.JobId);
            Wake();
        }
    }

    private async Task ApplyAsync(RunningJob run, JobTransition transition, Activity? activity)
    {
        if (await jobs.ApplyAsync(transition, run.Owned) is not { } applied)
        {
            Log.JobLost(logger);
            return;
        }

        bus.Nudge(transition.JobId);
        var status = applied.ToText();
        activity?.SetTag(Tags.JobStatus, status);
        if (applied is JobStatus.Queued)
        {
            await stream.AddAsync([new(transition.JobId, run.Job.Identity.Priority)]);
        }

        if (!applied.IsFinal())
        {
            return;
        }

        if (transition.Delivery is not null)
        {
            webhooks.Signal();
        }

        if (transition.Error is { } error && transition.To is JobStatus.Failed)
        {
            activity?.SetStatus(ActivityStatusCode.Error, error.Message).SetTag(Tags.ErrorType, error.Type);
        }

        Log.JobEnded(logger, status, transition.DurationMs ?? 0);
        EngineTelemetry.JobEnded(run.Job.Identity.WorkflowName, status, transition.DurationMs);
    }

    // What the job produced could not be stored: it ends with that fault, which holds nothing of what the job produced.
    private async Task FailAsync(RunningJob run, Exception exception)
    {
        try
        {
            var error = JobErrors.EngineFault(exception);
            var delivery = WebhookPayload.Build(
                run.Job.Identity, run.Job.Webhook, new() { Status = JobStatus.Failed, At = time.GetUtcNow(), Error = error }, Activity.Current?.Id);
            if (await jobs.ApplyAsync(
                JobTransition.Failed(run.Job, run.EventSequence, new("job.failed", "{}"), error, default, 0, delivery), run.Owned) is not null)
            {
                EngineTelemetry.JobEnded(run.Job.Identity.WorkflowName, JobStatus.Failed.ToText(), durationMs: null);
            }

            bus.Nudge(run.Job.Identity.JobId);
        }
        catch (Exception e)
        {
            WorkerLog.EndNotStored(logger, e);
        }
    }
}
