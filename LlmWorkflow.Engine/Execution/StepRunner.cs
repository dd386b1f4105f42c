using System.Diagnostics;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Steps;
using Microsoft.Extensions.Logging;
using Tags = LlmWorkflow.Engine.Diagnostics.EngineTelemetry.Tags;

namespace LlmWorkflow.Engine.Execution;

/// <summary>Runs one step to its end: attempts, timeout, retry, <c>on_error</c>. The only catch-all of the engine is here.</summary>
public sealed class StepRunner(IEnumerable<IStepExecutor> executors, TimeProvider time, Random random, ILogger<StepRunner> logger)
{
    private readonly Dictionary<string, IStepExecutor> _executors = executors.ToDictionary(e => e.Type);

    /// <summary>Runs the step. Throws only when <paramref name="cancellationToken"/> stops the job or the lease is lost.</summary>
    /// <param name="context">Makes the context of an attempt, 1 for the first.</param>
    /// <param name="startedAt">The step's first start, pinned over resumes.</param>
    /// <param name="onRetry">Told before a delay: the attempt that failed, its error, the delay.</param>
    /// <param name="cancellationToken">Stops the job.</param>
    public async Task<StepEnd> RunAsync(
        Func<int, CancellationToken, Task<StepContext>> context,
        DateTimeOffset startedAt,
        Func<int, WorkflowError, TimeSpan, Task> onRetry,
        CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        for (var attempt = 1; ; attempt++)
        {
            var step = await context(attempt, cancellationToken);
            using var scope = logger.BeginScope(new Dictionary<string, object> { ["step_id"] = step.Step.Id, ["attempt"] = attempt });
            using var activity = Start(step);
            var result = await AttemptAsync(step, cancellationToken);
            var duration = (long)time.GetElapsedTime(started).TotalMilliseconds;
            if (result.IsParked)
            {
                activity?.SetTag(Tags.StepStatus, "parked");
                return new(null, result.Waits);
            }

            activity?.SetStatus(result.IsFailed ? ActivityStatusCode.Error : ActivityStatusCode.Unset, result.Error?.Message).SetTag(Tags.ErrorType, result.Error?.Type);
            if (result.Error is { } error && StepRetry.Delay(step.Step.Retry, error, attempt, random.NextDouble()) is { } delay)
            {
                Log.StepRetried(logger, attempt, error.Type, error.Message, delay.TotalSeconds);
                // The wait is not part of the attempt.
                activity?.Stop();
                await onRetry(attempt, error, delay);
                await Task.Delay(delay, time, cancellationToken);
                continue;
            }

            var run = Finish(step, result, startedAt, attempt, duration);
            var status = run.Status.ToText();
            activity?.SetTag(Tags.StepStatus, status);
            EngineTelemetry.StepDuration.Record(duration / 1000.0, new(Tags.StepType, run.StepType), new(Tags.StepStatus, status));
            Log.StepEnded(logger, status, duration, attempt);
            return new(run, []);
        }
    }

    /// <summary>The result of a step whose condition does not hold.</summary>
    public StepRun Skipped(StepDefinition step, string path, DateTimeOffset at)
    {
        ArgumentNullException.ThrowIfNull(step);
        Log.StepSkipped(logger, step.Id);
        return NotRun(step, path, at, StepStatus.Skipped);
    }

    /// <summary>The result of a step that failed before its first attempt.</summary>
    public StepRun Failed(StepDefinition step, string path, DateTimeOffset at, WorkflowError error, ExpressionScope scope)
    {
        ArgumentNullException.ThrowIfNull(step);
        ArgumentNullException.ThrowIfNull(error);
        var told = error with { StepId = error.StepId ?? step.Id };
        return NotRun(step, path, at, StepStatus.Failed) with { Error = told, Output = StepErrors.Output(step, told, scope) };
    }

    private StepRun NotRun(StepDefinition step, string path, DateTimeOffset at, StepStatus status) => new()
    {
        StepPath = path,
        StepId = step.Id,
        StepType = step.Type,
        DisplayName = step.Label,
        Status = status,
        Attempts = 0,
        StartedAt = at,
        CompletedAt = time.GetUtcNow(),
        DurationMs = 0,
    };

    private static Activity? Start(StepContext context) => EngineTelemetry.Source.StartActivity($"step {context.Step.Id}")
        ?.SetTag(Tags.StepId, context.Step.Id)
        .SetTag(Tags.StepType, context.Step.Type)
        .SetTag(Tags.Attempt, context.Attempt);

    private async Task<StepResult> AttemptAsync(StepContext context, CancellationToken cancellationToken)
    {
        using var timeout = context.Step.TimeoutSeconds is { } seconds
            ? new CancellationTokenSource(TimeSpan.FromSeconds(seconds), time)
            : new CancellationTokenSource();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        StepResult result;
        try
        {
            result = await _executors[context.Step.Type].ExecuteAsync(context, stop.Token);
            if (StepOutput.Bytes(result.Output) > StepOutput.MaxBytes)
            {
                result = StepResult.Failure(StepOutput.TooLarge(context.Step.Id)) with { Usage = result.Usage, Debug = result.Debug };
            }
        }
        catch (WorkflowException e)
        {
            result = StepResult.Failure(e.Error);
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            result = StepResult.Failure(StepErrors.TimedOut(context.Step));
        }
        catch (Exception e) when (e is not LeaseLostException && !cancellationToken.IsCancellationRequested)
        {
            Log.StepThrew(logger, context.Step.Id, e);
            result = StepResult.Failure(StepErrors.Fault(e));
        }

        if (result.Error is { } error)
        {
            result = StepResult.Failure(error with { StepId = error.StepId ?? context.Step.Id }) with { Usage = result.Usage, Debug = result.Debug, Branch = result.Branch };
        }

        return result;
    }

    private StepRun Finish(StepContext context, StepResult result, DateTimeOffset startedAt, int attempts, long duration)
    {
        var step = context.Step;
        return new()
        {
            StepPath = context.StepPath,
            StepId = step.Id,
            StepType = step.Type,
            DisplayName = step.Label,
            Status = result.IsFailed ? StepStatus.Failed : StepStatus.Completed,
            Attempts = attempts,
            Output = result.Error is { } error ? StepErrors.Output(step, error, context.Scope) : result.Output,
            Error = result.Error,
            Usage = result.Usage is { } usage ? JobCosts.Usage(usage) : default,
            Branch = result.Branch,
            Debug = context.Job.DebugMode ? result.Debug : default,
            StartedAt = startedAt,
            CompletedAt = time.GetUtcNow(),
            DurationMs = duration,
        };
    }
}

/// <summary>How running a step came to its end for now.</summary>
/// <param name="Run">Null: it is parked.</param>
/// <param name="Waits">What it is parked for; empty when only the worker is leaving.</param>
public readonly record struct StepEnd(StepRun? Run, IReadOnlyList<StepWait> Waits);
