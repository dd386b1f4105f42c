using System.Text.Json;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Steps;

namespace LlmWorkflow.Engine.Execution;

/// <summary>The steps of one run in order: what is checkpointed is taken over, what is not is run and checkpointed before the next one starts.</summary>
internal sealed class StepSequence(
    RunningJob run, PinnedWorkflow workflow, JobHistory history, IReadOnlyList<LedgerCall> earlierCalls,
    ICheckpointStore checkpoints, ICallLedger ledger, StepRunner runner, TimeProvider time)
{
    private readonly Dictionary<string, StepValue> _values = [];
    private int _done;

    /// <summary>Output of the last step that has one.</summary>
    public JsonElement LastOutput { get; private set; }

    /// <summary>The step that runs or would run next.</summary>
    public string? CurrentStepId { get; private set; }

    /// <summary>Whether every step has ended.</summary>
    public bool IsFinished => _done == Steps.Count;

    private IReadOnlyList<StepDefinition> Steps => workflow.Definition.Steps;

    /// <summary>Runs until the end, the first error that ends the job, or a checkpoint at which the job is handed back.</summary>
    public async Task<WorkflowError?> RunAsync()
    {
        var announced = false;
        foreach (var step in Steps)
        {
            CurrentStepId = step.Id;
            if (history.Steps.TryGetValue(step.Id, out var earlier) && Counts(step, earlier))
            {
                Accept(earlier);
                continue;
            }

            run.Token.ThrowIfCancellationRequested();
            if (run.HandBackAtCheckpoint)
            {
                return null;
            }

            if (!announced)
            {
                await SaveAsync(null, RunEvents.StepStarted(step, step.Id, Progress), step);
            }

            var result = await RunStepAsync(step);
            await run.Observer.FlushAsync();
            var failed = !Counts(step, result);
            if (!failed)
            {
                Accept(result);
            }

            // The start of the next step goes out with the end of this one: one write, and nobody sees a job between two steps.
            var next = failed || IsFinished ? null : NextToRun();
            announced = next is not null;
            await SaveAsync(result, next is null ? null : RunEvents.StepStarted(next, next.Id, Progress), next);
            if (failed)
            {
                return result.Error;
            }
        }

        return null;
    }

    /// <summary>What <c>${…}</c> sees now.</summary>
    public ExpressionScope Scope(DateTimeOffset now, int attempt) => new()
    {
        Input = run.Job.Input,
        Context = RunContext.Of(run.Job.Identity, workflow.Definition, now, attempt),
        Steps = _values,
    };

    private short Progress => (short)(100 * _done / Steps.Count);

    // A failure that ended the job does not count when the job is taken up again.
    private static bool Counts(StepDefinition step, StepRun result) => result.Status is not StepStatus.Failed || step.OnError is OnError.Continue;

    private StepDefinition? NextToRun()
    {
        var next = Steps[_done];
        return history.Steps.TryGetValue(next.Id, out var earlier) && Counts(next, earlier) ? null : next;
    }

    private async Task<StepRun> RunStepAsync(StepDefinition step)
    {
        var startedAt = history.Starts.TryGetValue(step.Id, out var first) ? first : time.GetUtcNow();
        var calls = earlierCalls.Where(c => c.Key.StepPath == step.Id).ToList();
        return await runner.RunAsync(
            async (attempt, cancellationToken) =>
            {
                // A further attempt must know the calls of the one before: their ordinals are taken, and their cost counts.
                if (attempt > 1)
                {
                    calls = [.. (await ledger.ReadAsync(run.Job.Identity.JobId, cancellationToken)).Where(c => c.Key.StepPath == step.Id)];
                }

                return new StepContext
                {
                    Job = run.Job.Identity,
                    Fence = run.Job.Fence,
                    Step = step,
                    Workflow = workflow,
                    StepPath = step.Id,
                    Attempt = attempt,
                    Scope = Scope(startedAt, attempt),
                    PreviousOutput = LastOutput,
                    EarlierCalls = calls,
                    OnDelta = run.Observer.OnDelta,
                };
            },
            startedAt,
            (attempt, error, delay) => SaveAsync(null, RunEvents.StepRetrying(step, step.Id, attempt, error, delay), step),
            run.Token);
    }

    private async Task SaveAsync(StepRun? ended, JobEvent? then, StepDefinition? current)
    {
        List<JobEvent> events = [];
        if (ended is not null)
        {
            events.Add(RunEvents.StepEnded(ended, Progress));
        }

        if (then is { } next)
        {
            events.Add(next);
        }

        var result = await checkpoints.SaveAsync(
            new()
            {
                Fence = run.Job.Fence,
                EventSequence = run.EventSequence,
                Step = ended,
                Events = events,
                CurrentStepId = current?.Id,
                CurrentStep = current?.Label,
                Progress = Progress,
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

    private void Accept(StepRun result)
    {
        _done++;
        LastOutput = result.Output;
        _values[result.StepId] = new()
        {
            Status = result.Status.ToText(),
            Output = result.Output,
            Error = result.Error is { } error ? EngineJson.Element(error) : default,
            Usage = result.Usage,
            DurationMs = result.DurationMs,
        };
    }
}
