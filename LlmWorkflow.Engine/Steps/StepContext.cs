using System.Text.Json;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Expressions;
using LlmWorkflow.Engine.Jobs;

namespace LlmWorkflow.Engine.Steps;

/// <summary>All that a step may see and do while it runs.</summary>
public sealed class StepContext
{
    /// <summary>The job.</summary>
    public required JobIdentity Job { get; init; }

    /// <summary>Proof of ownership, for writes that must not come from a worker that lost the job.</summary>
    public required Fence Fence { get; init; }

    /// <summary>The step's definition.</summary>
    public required StepDefinition Step { get; init; }

    /// <summary>The pinned workflow, with its prompts.</summary>
    public required PinnedWorkflow Workflow { get; init; }

    /// <summary>The step's place in the run: its id, with branch names and iteration numbers of the steps around it.</summary>
    public required string StepPath { get; init; }

    /// <summary>The step's first start, pinned over retries and resumes.</summary>
    public DateTimeOffset StartedAt { get; init; }

    /// <summary>1 for the first try.</summary>
    public required int Attempt { get; init; }

    /// <summary>What <c>${…}</c> sees.</summary>
    public required ExpressionScope Scope { get; init; }

    /// <summary>Output of the step before: what a transform reads by default. Undefined for the first step.</summary>
    public required JsonElement PreviousOutput { get; init; }

    /// <summary>The calls of this step that the ledger knows from earlier runs and attempts, oldest first.</summary>
    public required IReadOnlyList<LedgerCall> EarlierCalls { get; init; }

    /// <summary>Caps on cost of the step and of the steps around it.</summary>
    public IReadOnlyList<StepBudget> Budgets { get; init; } = [];

    /// <summary>Where a cap is reached, the job waits until it is raised; else the step fails.</summary>
    public bool PausesOnBudget { get; init; }

    /// <summary>Tells that a cap is nearly spent.</summary>
    public Func<BudgetState, Task> OnBudgetWarning { get; init; } = static _ => Task.CompletedTask;

    /// <summary>Signals that were sent to the job, by name.</summary>
    public IReadOnlyDictionary<string, JsonElement> Signals { get; init; } = new Dictionary<string, JsonElement>();

    /// <summary>Runs steps inside this one, each with its own checkpoint; what is checkpointed already is not run again. May be called for several lists at once.</summary>
    public NestedRunner RunStepsAsync { get; init; } = static (_, _) => throw new InvalidOperationException("This step has no steps inside.");

    /// <summary>Streamed text, in pieces as they arrive; best effort, never blocks the call.</summary>
    public required Action<LlmDelta> OnDelta { get; init; }
}
