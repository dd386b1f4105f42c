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

    /// <summary>1 for the first try.</summary>
    public required int Attempt { get; init; }

    /// <summary>What <c>${…}</c> sees.</summary>
    public required ExpressionScope Scope { get; init; }

    /// <summary>Output of the step before: what a transform reads by default. Undefined for the first step.</summary>
    public required JsonElement PreviousOutput { get; init; }

    /// <summary>The calls of this step that the ledger knows from earlier runs and attempts, oldest first.</summary>
    public required IReadOnlyList<LedgerCall> EarlierCalls { get; init; }

    /// <summary>Streamed text, in pieces as they arrive; best effort, never blocks the call.</summary>
    public required Action<LlmDelta> OnDelta { get; init; }
}
