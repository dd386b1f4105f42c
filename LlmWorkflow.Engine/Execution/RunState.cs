using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Jobs;

namespace LlmWorkflow.Engine.Execution;

/// <summary>What all lists of steps of one run share.</summary>
internal sealed class RunState : IDisposable
{
    /// <summary>Most steps that a job may run, all iterations counted: a loop in a loop in a loop must end in bounded time and storage.</summary>
    public const int MaxSteps = 100_000;

    private readonly JobHistory _history;
    private readonly ILookup<string, LedgerCall> _earlierCalls;
    private readonly ICallLedger _ledger;
    private readonly Lock _lock = new();
    private readonly HashSet<string> _warned = new(StringComparer.Ordinal);
    private int _steps;
    private readonly Dictionary<string, StepRun> _ended = new(StringComparer.Ordinal);

    public RunState(
        RunningJob run, PinnedWorkflow workflow, JobHistory history, IReadOnlyList<LedgerCall> earlierCalls,
        ICheckpointStore checkpoints, ICallLedger ledger, StepRunner runner, TimeProvider time)
    {
        Run = run;
        Workflow = workflow;
        Runner = runner;
        Time = time;
        Progress = new(workflow.Definition.Steps.Count);
        Checkpoints = new(run, Progress, checkpoints);
        _history = history;
        _earlierCalls = earlierCalls.ToLookup(c => c.Key.StepPath, StringComparer.Ordinal);
        _ledger = ledger;
    }

    public RunningJob Run { get; }

    public PinnedWorkflow Workflow { get; }

    public StepRunner Runner { get; }

    public TimeProvider Time { get; }

    public RunProgress Progress { get; }

    public RunCheckpoints Checkpoints { get; }

    /// <summary>How the step at a path ended, in an earlier run of the job or an earlier attempt of a step around it; null: it must be run.</summary>
    public StepRun? Ended(StepDefinition step, string path)
    {
        StepRun? run;
        lock (_lock)
        {
            run = _ended.GetValueOrDefault(path) ?? _history.Steps.GetValueOrDefault(path);
        }

        return run is not null && Counts(step, run) ? run : null;
    }

    /// <summary>The error that the step at a path ended with while the step around it, which has not ended, waited for others; null: none.</summary>
    public WorkflowError? FailedBefore(string path) => _history.Steps.TryGetValue(path, out var run) && run.Status is StepStatus.Failed ? run.Error : null;

    /// <summary>Whether the step at a path has an end on record, of whatever kind.</summary>
    public bool HasEnded(string path) => _history.Steps.ContainsKey(path);

    /// <summary>Counts a step that is to be run. False: the job has run too many.</summary>
    public bool CountStep() => Interlocked.Increment(ref _steps) <= MaxSteps;

    /// <summary>Keeps a result for the case that a step around it is tried again.</summary>
    public void Remember(StepRun run)
    {
        lock (_lock)
        {
            _ended[run.StepPath] = run;
        }
    }

    /// <summary>First start of the step at a path; null: it has not been started.</summary>
    public DateTimeOffset? Started(string path) => _history.Starts.TryGetValue(path, out var at) ? at : null;

    /// <summary>The calls of the step at a path that the ledger knows.</summary>
    /// <param name="path">The step.</param>
    /// <param name="isRepeated">The step ran before in this run: its calls are in the ledger by now, their ordinals are taken, and their cost counts.</param>
    /// <param name="cancellationToken">Stops the read.</param>
    public async Task<IReadOnlyList<LedgerCall>> CallsAsync(string path, bool isRepeated, CancellationToken cancellationToken) => isRepeated
        ? [.. (await _ledger.ReadAsync(Run.Job.Identity.JobId, cancellationToken)).Where(c => c.Key.StepPath == path)]
        : [.. _earlierCalls[path]];

    /// <summary>Whether a result stands. A failure that ended the job does not when the job is taken up again.</summary>
    public static bool Counts(StepDefinition step, StepRun run) => run.Status is not StepStatus.Failed || StepErrors.GoesOn(step, run.Error!);

    /// <summary>Tells that a cap is nearly spent, once per run.</summary>
    public Task WarnAsync(BudgetState budget)
    {
        lock (_lock)
        {
            if (!_warned.Add(budget.Scope))
            {
                return Task.CompletedTask;
            }
        }

        return Checkpoints.SaveAsync(null, _ => RunEvents.BudgetWarning(budget));
    }

    public void Dispose() => Checkpoints.Dispose();
}
