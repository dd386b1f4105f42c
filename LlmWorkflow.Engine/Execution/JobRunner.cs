using System.Diagnostics;
using System.Text.Json;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Jobs;
using Microsoft.Extensions.Logging;

namespace LlmWorkflow.Engine.Execution;

/// <summary>Gives the definition that a job was submitted with, by hash; null when nobody has it.</summary>
public delegate Task<PinnedWorkflow?> WorkflowLoader(string hash, CancellationToken cancellationToken);

/// <summary>
/// One run of a job, from lease to result:
/// 1. load the definition that the job is pinned to;
/// 2. read what earlier owners left behind: checkpoints, and calls that are paid;
/// 3. run the steps in order, each one checkpointed before the next one starts; where only a time or a signal is waited for, park the job;
/// 4. build the output;
/// 5. add up the costs;
/// 6. decide the transition, which the caller applies "if still ours".
/// Stopping (cancel, timeout, shutdown, lost lease) can happen anywhere and ends in 6, or in nothing when the job is no longer ours.
/// </summary>
public sealed class JobRunner(
    WorkflowLoader loadWorkflow, ICheckpointStore checkpoints, ICallLedger ledger, StepRunner steps, TimeProvider time, ILogger<JobRunner> logger)
{
    /// <summary>Runs the job. Null: the lease is lost, there is nothing to apply.</summary>
    public async Task<JobTransition?> RunAsync(RunningJob run)
    {
        var started = time.GetTimestamp();
        WorkflowError? error = null;
        JsonElement output = default;
        var finished = false;
        try
        {
            // 1
            var workflow = await loadWorkflow(run.Job.Identity.DefinitionHash, run.Token);
            if (workflow is null)
            {
                return await EndAsync(run, JobStatus.Failed, default, JobErrors.MissingDefinition(run.Job.Identity), started);
            }

            await using var timer = StartTimeout(workflow.Definition, run);

            // 2
            var resumed = run.Job.Fence.Number > 1;
            var history = resumed ? await checkpoints.ReadAsync(run.Job.Identity.JobId, run.Token) : JobHistory.Empty;
            if (resumed)
            {
                await ledger.MarkPossiblyBilledAsync(run.Job.Fence, run.Token);
            }

            var calls = resumed ? await ledger.ReadAsync(run.Job.Identity.JobId, run.Token) : [];

            // 3
            using var state = new RunState(run, workflow, history, calls, checkpoints, ledger, steps, time);
            var scope = new RunScope(run.Job.Identity, workflow.Definition, run.Job.Input);
            var list = new StepList(state, scope, workflow.Definition.Steps, prefix: "", before: default, state.Progress, tries: default, budgets: []);
            var result = await list.RunAsync(run.Token);
            if (result.IsParked)
            {
                return run.HandBackAtCheckpoint ? HandBack(run) : Park(run, result.Waits);
            }

            // 4
            error = result.Error;
            if (error is null)
            {
                output = list.Output(workflow.Definition);
                finished = true;
            }
        }
        catch (LeaseLostException)
        {
            Log.JobLost(logger);
            return null;
        }
        catch (WorkflowException e)
        {
            error = e.Error;
        }
        catch (OperationCanceledException) when (run.Token.IsCancellationRequested)
        {
            // Handled below, by the reason.
        }
        catch (Exception e)
        {
            // In a run that was being stopped, the fault is a consequence: the reason of the stop decides.
            Log.JobFaulted(logger, e);
            error = run.Reason is StopReason.None ? JobErrors.EngineFault(e) : error;
        }

        // 5 (in EndAsync), 6. The order of the arms is the order of precedence.
        return run.Reason switch
        {
            StopReason.LeaseLost => Lost(),
            // A job that was done before the stop reached it is done: its result is paid for.
            _ when finished => await EndAsync(run, JobStatus.Completed, output, error: null, started),
            StopReason.CancelRequested => await EndAsync(run, JobStatus.Cancelled, default, JobErrors.Cancelled, started),
            _ when error is not null => await EndAsync(run, JobStatus.Failed, default, error, started),
            StopReason.TimedOut => await EndAsync(run, JobStatus.Failed, default, JobErrors.TimedOut(run.Job.Identity), started),
            _ => HandBack(run),
        };
    }

    private async Task<JobTransition> EndAsync(RunningJob run, JobStatus status, JsonElement output, WorkflowError? error, long started)
    {
        var job = run.Job;
        // Not to be stopped: the job's end must be told, also while its own token is cancelled.
        var costs = JobCosts.Of(await ledger.ReadAsync(job.Identity.JobId, run.Owned));
        var duration = (long)(job.ClaimedAt - job.StartedAt + time.GetElapsedTime(started)).TotalMilliseconds;
        var result = status is JobStatus.Completed && output.ValueKind is JsonValueKind.Undefined ? EngineJson.NullValue : output;
        var delivery = WebhookPayload.Build(job.Identity, job.Webhook, new()
        {
            Status = status,
            At = time.GetUtcNow(),
            Output = result,
            CostData = costs.Data,
            DurationMs = duration,
            TotalTokens = costs.TotalTokens,
            TotalCostUsd = costs.CostUsd ?? 0,
            Error = error,
        },
        Activity.Current?.Id);
        return status switch
        {
            JobStatus.Completed => JobTransition.Completed(
                job, run.EventSequence, RunEvents.JobCompleted(duration, costs), result, costs.Data, duration, delivery),
            JobStatus.Cancelled => JobTransition.Cancelled(
                job, run.EventSequence, RunEvents.JobCancelled(duration, costs), error!, costs.Data, duration, delivery),
            _ => JobTransition.Failed(job, run.EventSequence, RunEvents.JobFailed(error!, duration, costs), error!, costs.Data, duration, delivery),
        };
    }

    private JobTransition Park(RunningJob run, IReadOnlyList<StepWait> waits)
    {
        Log.JobParked(logger, string.Join(", ", waits.Select(w => w.StepPath)));
        return JobTransition.Waiting(run.Job, run.EventSequence, RunEvents.JobWaiting(waits), waits);
    }

    private JobTransition HandBack(RunningJob run)
    {
        Log.JobHandedBack(logger);
        return JobTransition.Interrupted(run.Job, run.EventSequence, RunEvents.JobHandedBack);
    }

    private JobTransition? Lost()
    {
        Log.JobLost(logger);
        return null;
    }

    // Running time only: what earlier runs took counts, waiting does not.
    private ITimer StartTimeout(WorkflowDefinition definition, RunningJob run)
    {
        var left = TimeSpan.FromSeconds(definition.TimeoutSeconds) - run.Job.RanBefore;
        return time.CreateTimer(
            static state => ((RunningJob)state!).Stop(StopReason.TimedOut), run, left > TimeSpan.Zero ? left : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }
}
