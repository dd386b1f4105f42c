using System.Collections.Concurrent;
using System.Text.Json;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Execution;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Steps;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmWorkflow.Tests.Engine.Execution;

/// <summary>Runs workflows whose leaf steps (all of type <c>external_api</c>) are scripted by the test; everything else is the engine's own.</summary>
internal sealed class ScriptedRun
{
    private readonly InMemoryCheckpoints _checkpoints = new();
    private readonly InMemoryCallLedger _ledger = new(TimeProvider.System);
    private long _sequence = 2;

    public ScriptedRun(string input = "{}")
    {
        var id = Guid.CreateVersion7();
        Job = new()
        {
            Identity = new() { JobId = id, WorkflowName = "sample", DefinitionHash = new string('a', 64) },
            Fence = new(id, Guid.CreateVersion7(), 1),
            Input = JsonElement.Parse(input),
        };
    }

    /// <summary>What the next run gets.</summary>
    public LeasedJob Job { get; set; }

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>What a step does, by its id; without an entry it gives its path.</summary>
    public Dictionary<string, Func<StepContext, CancellationToken, Task<StepResult>>> Steps { get; } = [];

    /// <summary>Paths of the leaf steps that were run, in order of their start.</summary>
    public ConcurrentQueue<string> Ran { get; } = [];

    public ConcurrentQueue<JobEvent> Events { get; } = [];

    public Dictionary<string, PinnedSubWorkflow> Workflows { get; } = [];

    public static ExternalApiStepDefinition Leaf(string id) => new() { Id = id, Service = "test", Operation = "run" };

    public static StepResult Value(string json) => StepResult.Success(JsonElement.Parse(json));

    public static WorkflowError Error(string type, bool retryable = false) =>
        new() { Type = type, Category = ErrorCategory.External, Message = "m", Retryable = retryable };

    public void Gives(string step, string json) => Steps[step] = (_, _) => Task.FromResult(Value(json));

    public void Fails(string step, string type = "Broken", bool retryable = false) =>
        Steps[step] = (_, _) => Task.FromResult(StepResult.Failure(Error(type, retryable)));

    /// <summary>Runs the job once; the next call takes it up again.</summary>
    public async Task<JobTransition?> RunAsync(IReadOnlyList<StepDefinition> steps, string? output = null, Action<RunningJob>? watch = null)
    {
        var workflow = new PinnedWorkflow
        {
            Hash = new string('a', 64),
            Json = "{}",
            Prompts = new Dictionary<string, string>(),
            Workflows = Workflows,
            Definition = new() { Name = "sample", Steps = steps, Output = output is null ? default : JsonElement.Parse(output) },
        };
        using var run = new RunningJob(Job, _sequence, new() { OnEvent = Events.Enqueue });
        watch?.Invoke(run);
        IStepExecutor[] executors = [new Scripted(this), new TransformStep(), new ConditionalStep(), new ParallelStep(), new ForeachStep(), new SubWorkflowStep(), new WaitStep(Time), new ApprovalStep(Time)];
        var runner = new JobRunner(
            (_, _) => Task.FromResult<PinnedWorkflow?>(workflow), _checkpoints, _ledger,
            new(executors, Time, new Random(1), NullLogger<StepRunner>.Instance), Time, NullLogger<JobRunner>.Instance);
        var transition = await runner.RunAsync(run);
        _sequence = run.EventSequence + 2;
        Job = Job with { Fence = Job.Fence with { Number = Job.Fence.Number + 1 } };
        return transition;
    }

    public async Task<string> OutputAsync(IReadOnlyList<StepDefinition> steps, string? output = null)
    {
        var transition = await RunAsync(steps, output);
        Assert.True(transition!.To is JobStatus.Completed, transition.Error?.Message);
        return transition.Result.GetRawText();
    }

    public async Task<IReadOnlyDictionary<string, StepRun>> CheckpointsAsync() => (await _checkpoints.ReadAsync(Job.Identity.JobId, CancellationToken.None)).Steps;

    private sealed class Scripted(ScriptedRun test) : IStepExecutor
    {
        public string Type => "external_api";

        public Task<StepResult> ExecuteAsync(StepContext context, CancellationToken cancellationToken)
        {
            test.Ran.Enqueue(context.StepPath);
            return test.Steps.TryGetValue(context.Step.Id, out var script)
                ? script(context, cancellationToken)
                : Task.FromResult(Value($"\"{context.StepPath}\""));
        }
    }
}
