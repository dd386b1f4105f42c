using System.Text.Json;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Steps;

namespace LlmWorkflow.Engine.Execution;

/// <summary>
/// Runs a list of steps in order: the workflow's own, or one inside a step. What is checkpointed is taken over; what is not is run, and checkpointed before
/// the next one starts.
/// </summary>
/// <param name="state">What the run's lists share.</param>
/// <param name="scope">What the steps' expressions see.</param>
/// <param name="steps">The steps.</param>
/// <param name="prefix">Path of the step around, with a slash; empty for the workflow's own list.</param>
/// <param name="before">What the first step reads by default.</param>
/// <param name="progress">This list's part of the run's progress.</param>
/// <param name="tries">Whether a step around may be tried again, and whether it is.</param>
/// <param name="budgets">Caps on cost of the steps around.</param>
internal sealed class StepList(
    RunState state, RunScope scope, IReadOnlyList<StepDefinition> steps, string prefix, JsonElement before, RunProgress progress, OuterTries tries,
    IReadOnlyList<StepBudget> budgets)
{
    private JsonElement _previous = before;
    private JsonElement _lastOutput;
    private DateTimeOffset? _announced;

    /// <summary>Runs until the end, the first error that ends the list, or where it cannot go on yet.</summary>
    public async Task<StepResult> RunAsync(CancellationToken cancellationToken)
    {
        for (var i = 0; i < steps.Count; i++)
        {
            var (step, path) = (steps[i], prefix + steps[i].Id);
            if (state.Ended(step, path) is { } earlier)
            {
                TakeOver(step, path, earlier);
                continue;
            }

            if (tries.KeepsFailures && state.FailedBefore(path) is { } error)
            {
                return StepResult.Failure(error);
            }

            if (!state.CountStep())
            {
                return StepResult.Failure(StepErrors.TooManySteps(step));
            }

            cancellationToken.ThrowIfCancellationRequested();
            if (state.Run.HandBackAtCheckpoint)
            {
                return StepResult.Parked([]);
            }

            var startedAt = state.Started(path) ?? _announced ?? state.Time.GetUtcNow();
            if (Decide(step, path, startedAt) is { } undone)
            {
                var goesOn = Accept(step, undone);
                await state.Checkpoints.SaveAsync(undone);
                if (!goesOn)
                {
                    return StepResult.Failure(undone.Error!);
                }

                continue;
            }

            if (_announced is null && !IsWokenUp(step, path))
            {
                await state.Checkpoints.SaveAsync(null, Start(step, path), new(path, startedAt), step);
            }

            _announced = null;
            List<RunScope> inside = [];
            var end = await RunStepAsync(step, path, startedAt, inside, cancellationToken);
            await state.Run.Observer.FlushAsync(path);
            if (end.Run is not { } run)
            {
                return StepResult.Parked(end.Waits);
            }

            inside.ForEach(layer => scope.Values.TakeOver(layer.Values));
            if (!Accept(step, run))
            {
                await state.Checkpoints.SaveAsync(run);
                return StepResult.Failure(run.Error!);
            }

            await SaveWithNextStartAsync(run, i + 1);
        }

        return StepResult.Success(_lastOutput);
    }

    /// <summary>The workflow's output: its mapping, or the last step's.</summary>
    /// <exception cref="WorkflowException">The mapping reads what is not there.</exception>
    public JsonElement Output(WorkflowDefinition definition) => definition.Output.ValueKind is JsonValueKind.Undefined
        ? _lastOutput
        : TemplateResolver.Resolve(definition.Output, scope.At(state.Time.GetUtcNow(), attempt: 1));

    private static Func<short, JobEvent> Start(StepDefinition step, string path) => percent => RunEvents.StepStarted(step, path, percent);

    // A step that was parked, or that holds others which were: its start was told when it was first reached.
    private bool IsWokenUp(StepDefinition step, string path) =>
        state.Started(path) is not null && (step is WaitStepDefinition or ApprovalStepDefinition or WorkflowStepDefinition || step.Branches.Count > 0);

    // The result of a step that is not run: its condition does not hold, or cannot be evaluated.
    private StepRun? Decide(StepDefinition step, string path, DateTimeOffset now)
    {
        if (step.When is not { } when)
        {
            return null;
        }

        var seen = scope.At(now, attempt: 1);
        try
        {
            return BareExpression.IsTrue(when, seen) ? null : state.Runner.Skipped(step, path, now);
        }
        catch (WorkflowException e)
        {
            return state.Runner.Failed(step, path, now, e.Error, seen);
        }
    }

    private Task<StepEnd> RunStepAsync(StepDefinition step, string path, DateTimeOffset startedAt, List<RunScope> inside, CancellationToken cancellationToken) =>
        state.Runner.RunAsync(
            async (attempt, ct) => new StepContext
            {
                Job = state.Run.Job.Identity,
                Fence = state.Run.Job.Fence,
                Step = step,
                Workflow = state.Workflow,
                StepPath = path,
                StartedAt = startedAt,
                Attempt = attempt,
                Scope = scope.At(startedAt, attempt),
                PreviousOutput = _previous,
                EarlierCalls = await state.CallsAsync(path, tries.AreRepeated || attempt > 1, ct),
                Budgets = Budgets(step, path),
                PausesOnBudget = state.Workflow.Definition.OnBudget is OnBudget.Pause,
                OnBudgetWarning = state.WarnAsync,
                Signals = state.Run.Job.Signals,
                OnDelta = state.Run.Observer.OnDelta,
                RunStepsAsync = (nested, stop) => RunNestedAsync(step, path, attempt, nested, inside, stop),
            },
            startedAt,
            (attempt, error, delay) => state.Checkpoints.SaveAsync(null, _ => RunEvents.StepRetrying(step, path, attempt, error, delay)),
            cancellationToken);

    private async Task<StepResult> RunNestedAsync(
        StepDefinition step, string path, int attempt, NestedSteps nested, List<RunScope> inside, CancellationToken cancellationToken)
    {
        var inner = nested.Workflow is { } own ? new RunScope(state.Run.Job.Identity, own.Definition, own.Input) : scope.Nest(nested.Locals);
        var part = progress.Begin(nested.Steps.Count, nested.Share);
        var list = new StepList(
            state, inner, nested.Steps, nested.Segment is { } segment ? $"{path}/{segment}/" : $"{path}/", nested.Before, part,
            new(
                tries.ArePossible || step.Retry is not null, tries.AreRepeated || attempt > 1,
                KeepsFailures: nested.KeepsFailures && !tries.AreRepeated && attempt == 1 && !state.HasEnded(path)),
            nested.Workflow is { Definition.MaxCostUsd: { } cap } ? [.. Budgets(step, path), new(path, cap)] : Budgets(step, path));
        var result = await list.RunAsync(cancellationToken);
        progress.End(part);
        if (result.IsFailed || result.IsParked)
        {
            return result;
        }

        if (nested.AreVisibleAfterwards)
        {
            lock (inside)
            {
                inside.Add(inner);
            }
        }

        return nested.Workflow is { } workflow ? StepResult.Success(list.Output(workflow.Definition)) : result;
    }

    private IReadOnlyList<StepBudget> Budgets(StepDefinition step, string path) => step.MaxCostUsd is { } cap ? [.. budgets, new(path, cap)] : budgets;

    // The start of the next step goes out with the end of this one: one write, and nobody sees a job between two steps.
    private async Task SaveWithNextStartAsync(StepRun ended, int next)
    {
        if (next == steps.Count || steps[next].When is not null || state.Ended(steps[next], prefix + steps[next].Id) is not null
            || IsWokenUp(steps[next], prefix + steps[next].Id))
        {
            await state.Checkpoints.SaveAsync(ended);
            return;
        }

        var (step, path) = (steps[next], prefix + steps[next].Id);
        var now = state.Time.GetUtcNow();
        await state.Checkpoints.SaveAsync(ended, Start(step, path), new(path, now), step);
        _announced = now;
    }

    // True: the list goes on.
    private bool Accept(StepDefinition step, StepRun run)
    {
        if (!RunState.Counts(step, run))
        {
            return false;
        }

        if (tries.ArePossible)
        {
            state.Remember(run);
        }

        progress.StepEnded();
        scope.Add(run);
        // A step without an output, skipped or a wait, hands on what was there before it.
        if (run.Output.ValueKind is not JsonValueKind.Undefined)
        {
            _previous = _lastOutput = run.Output;
        }

        return true;
    }

    private void TakeOver(StepDefinition step, string path, StepRun earlier)
    {
        Accept(step, earlier);
        AddInner(step, path);
    }

    // Steps inside that were readable after their step had ended.
    private void AddInner(StepDefinition step, string path)
    {
        if (step is not (ConditionalStepDefinition or ParallelStepDefinition))
        {
            return;
        }

        foreach (var (inner, innerPath) in step.Branches.SelectMany(branch => branch.Steps.Select(s => (s, $"{path}/{branch.Name}/{s.Id}"))))
        {
            if (state.Ended(inner, innerPath) is { } earlier)
            {
                scope.Add(earlier);
                AddInner(inner, innerPath);
            }
        }
    }
}

/// <summary>Attempts of the steps around a list.</summary>
/// <param name="ArePossible">One of them has a retry: results inside are kept for it.</param>
/// <param name="AreRepeated">This is not the first attempt of one of them.</param>
/// <param name="KeepsFailures">An error in the list that is on record stands: the step around goes on waiting for its other lists.</param>
internal readonly record struct OuterTries(bool ArePossible, bool AreRepeated, bool KeepsFailures);
