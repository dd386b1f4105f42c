using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Jobs;

namespace LlmWorkflow.Engine.Execution;

/// <summary>Writes the checkpoints of one run, one at a time: each names the job's last event number, so two cannot be on their way at once.</summary>
internal sealed class RunCheckpoints(RunningJob run, RunProgress progress, ICheckpointStore checkpoints) : IDisposable
{
    private readonly SemaphoreSlim _writing = new(1, 1);
    private StepDefinition? _current;

    /// <summary>Records what happened. When this returns it is durable.</summary>
    /// <param name="ended">The step that ended; null: none.</param>
    /// <param name="then">A further event, given the progress.</param>
    /// <param name="started">The step that starts; null: none.</param>
    /// <param name="current">What is shown as running from now on; null: as before.</param>
    /// <exception cref="LeaseLostException">The job is no longer ours.</exception>
    public async Task SaveAsync(StepRun? ended, Func<short, JobEvent>? then = null, StepStart? started = null, StepDefinition? current = null)
    {
        // Not to be stopped but by the loss of the lease: a write that is under way must be known to be done.
        await _writing.WaitAsync(run.Owned);
        try
        {
            var percent = progress.Percent;
            List<JobEvent> events = [];
            if (ended is not null)
            {
                events.Add(RunEvents.StepEnded(ended, percent));
            }

            if (then is not null)
            {
                events.Add(then(percent));
            }

            _current = current ?? _current;
            var result = await checkpoints.SaveAsync(
                new()
                {
                    Fence = run.Job.Fence,
                    EventSequence = run.EventSequence,
                    Step = ended,
                    Started = started,
                    Events = events,
                    CurrentStepId = _current?.Id,
                    CurrentStep = _current?.Label,
                    Progress = percent,
                },
                run.Owned);
            if (!result.Owned)
            {
                throw new LeaseLostException(run.Job.Fence);
            }

            run.EventSequence += events.Count;
            foreach (var told in events)
            {
                run.Observer.OnEvent(told);
            }

            if (result.CancelRequested)
            {
                run.Stop(StopReason.CancelRequested);
            }
        }
        finally
        {
            _writing.Release();
        }
    }

    public void Dispose() => _writing.Dispose();
}
