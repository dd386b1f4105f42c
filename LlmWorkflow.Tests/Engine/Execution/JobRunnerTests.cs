using System.Text.Json;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Execution;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Steps;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmWorkflow.Tests.Engine.Execution;

public sealed class JobRunnerTests
{
    private readonly InMemoryCheckpoints _checkpoints = new();
    private readonly InMemoryCallLedger _ledger = new(TimeProvider.System);
    private readonly Dictionary<string, Func<StepContext, CancellationToken, Task<StepResult>>> _steps = [];
    private readonly List<string> _ran = [];
    private readonly List<string> _events = [];

    [Fact]
    public async Task RunAsync_StepsInOrder_GivesTheMappedOutput()
    {
        Add("one", """{"v":1}""");
        Add("two", """{"v":2}""");

        var transition = await RunAsync(NewJob(), Workflow(["one", "two"], output: """{"first":"${steps.one.output.v}","second":"${steps.two.output.v}"}"""));

        Assert.Equal(JobStatus.Completed, transition!.To);
        Assert.Equal("""{"first":1,"second":2}""", transition.Result.GetRawText());
        Assert.Equal(["step.started", "step.completed", "step.started", "step.completed"], _events);
    }

    [Fact]
    public async Task RunAsync_ResumedAfterACheckpoint_RunsOnlyWhatIsLeft()
    {
        var job = NewJob();
        Add("one", """{"v":1}""");
        var block = true;
        var reachedTwo = new TaskCompletionSource();
        _steps["two"] = async (_, cancellationToken) =>
        {
            reachedTwo.TrySetResult();
            if (block)
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
            }

            return StepResult.Success(JsonElement.Parse("2"));
        };
        var workflow = Workflow(["one", "two"]);
        using var first = new RunningJob(job, 2, new() { OnEvent = e => _events.Add(e.Type) });
        _ = reachedTwo.Task.ContinueWith(_ => first.Stop(StopReason.Shutdown), TaskScheduler.Default);
        var handedBack = await Runner(workflow).RunAsync(first);
        Assert.Equal(JobStatus.Queued, handedBack!.To);
        Assert.Equal(first.EventSequence, handedBack.EventSequence);

        block = false;
        _ran.Clear();
        using var second = new RunningJob(job with { Fence = job.Fence with { Number = 2 } }, 5, RunObserver.None);
        var transition = await Runner(workflow).RunAsync(second);

        Assert.Equal(JobStatus.Completed, transition!.To);
        Assert.Equal(["two"], _ran);
    }

    [Fact]
    public async Task RunAsync_LeaseLost_AppliesNothing()
    {
        Add("one", "1");
        using var run = new RunningJob(NewJob(), 2, RunObserver.None);
        _steps["one"] = (_, _) =>
        {
            run.Stop(StopReason.LeaseLost);
            throw new LeaseLostException(run.Job.Fence);
        };

        Assert.Null(await Runner(Workflow(["one"])).RunAsync(run));
    }

    [Fact]
    public async Task RunAsync_Cancelled_StopsTheStepAndIsCancelled()
    {
        using var run = new RunningJob(NewJob(), 2, RunObserver.None);
        _steps["one"] = async (_, cancellationToken) =>
        {
            run.Stop(StopReason.CancelRequested);
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
            return StepResult.Success(default);
        };

        var transition = await Runner(Workflow(["one"])).RunAsync(run);

        Assert.Equal(JobStatus.Cancelled, transition!.To);
        Assert.Equal(ErrorTypes.Cancelled, transition.Error!.Type);
    }

    [Fact]
    public async Task RunAsync_CancelledAfterTheLastStep_KeepsTheResult()
    {
        using var run = new RunningJob(NewJob(), 2, RunObserver.None);
        _steps["one"] = (_, _) =>
        {
            run.Stop(StopReason.CancelRequested);
            return Task.FromResult(StepResult.Success(JsonElement.Parse("1")));
        };

        var transition = await Runner(Workflow(["one"])).RunAsync(run);

        Assert.Equal(JobStatus.Completed, transition!.To);
    }

    [Fact]
    public async Task RunAsync_StepFails_FailsTheJobWithItsError()
    {
        _steps["one"] = (_, _) => Task.FromResult(StepResult.Failure(Error("Broken", retryable: false)));
        Add("two", "2");

        var transition = await RunAsync(NewJob(), Workflow(["one", "two"]));

        Assert.Equal(JobStatus.Failed, transition!.To);
        Assert.Equal(("Broken", "one"), (transition.Error!.Type, transition.Error.StepId));
        Assert.Equal(["one"], _ran);
    }

    [Fact]
    public async Task RunAsync_OnErrorContinue_GoesOnWithTheDefaultAndKeepsTheError()
    {
        _steps["one"] = (_, _) => Task.FromResult(StepResult.Failure(Error("Broken", retryable: false)));
        Add("two", "2");
        var workflow = Workflow(["one", "two"], output: """{"d":"${steps.one.output}","e":"${steps.one.error.type}"}""", s => s.Id == "one"
            ? s with { OnError = OnError.Continue, Default = JsonElement.Parse("\"fallback\"") }
            : s);

        var transition = await RunAsync(NewJob(), workflow);

        Assert.Equal("""{"d":"fallback","e":"Broken"}""", transition!.Result.GetRawText());
    }

    [Fact]
    public async Task RunAsync_RetryableError_IsTriedAgainWithTheNextAttemptNumber()
    {
        _steps["one"] = (context, _) => Task.FromResult(context.Attempt < 3
            ? StepResult.Failure(Error("Busy", retryable: true))
            : StepResult.Success(JsonElement.Parse($"{context.Attempt}")));
        var workflow = Workflow(["one"], null, s => s with { Retry = new() { MaxAttempts = 3, InitialDelaySeconds = 0.01, Jitter = false } });

        var transition = await RunAsync(NewJob(), workflow);

        Assert.Equal("3", transition!.Result.GetRawText());
        Assert.Equal(2, _events.Count(e => e == "step.retrying"));
    }

    [Fact]
    public async Task RunAsync_StepTimeout_IsAnErrorOfTheStep()
    {
        _steps["one"] = async (_, cancellationToken) =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
            return StepResult.Success(default);
        };

        var transition = await RunAsync(NewJob(), Workflow(["one"], null, s => s with { TimeoutSeconds = 0.05 }));

        Assert.Equal(ErrorTypes.StepTimeout, transition!.Error!.Type);
    }

    [Fact]
    public async Task RunAsync_JobTimeoutUsedUpByEarlierRuns_FailsAtOnce()
    {
        _steps["one"] = async (_, cancellationToken) =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
            return StepResult.Success(default);
        };

        var transition = await RunAsync(NewJob() with { RanBefore = TimeSpan.FromHours(1) }, Workflow(["one"]));

        Assert.Equal(ErrorTypes.JobTimeout, transition!.Error!.Type);
    }

    [Fact]
    public async Task RunAsync_StepThrows_IsAnInternalErrorWithoutItsMessage()
    {
        _steps["one"] = (_, _) => throw new InvalidOperationException("secret detail");

        var transition = await RunAsync(NewJob(), Workflow(["one"]));

        Assert.Equal(ErrorTypes.InternalError, transition!.Error!.Type);
        Assert.DoesNotContain("secret", transition.Error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_HandBackAtCheckpoint_StopsBetweenSteps()
    {
        using var run = new RunningJob(NewJob(), 2, RunObserver.None);
        _steps["one"] = (_, _) =>
        {
            run.HandBackAtCheckpoint = true;
            return Task.FromResult(StepResult.Success(JsonElement.Parse("1")));
        };
        Add("two", "2");

        var transition = await Runner(Workflow(["one", "two"])).RunAsync(run);

        Assert.Equal(JobStatus.Queued, transition!.To);
        Assert.Equal(["one"], _ran);
        Assert.Contains("one", (await _checkpoints.ReadAsync(run.Job.Identity.JobId, CancellationToken.None)).Steps.Keys);
    }

    [Fact]
    public async Task RunAsync_NobodyHasTheDefinition_FailsWithAConfigError()
    {
        var runner = new JobRunner((_, _) => Task.FromResult<PinnedWorkflow?>(null), _checkpoints, _ledger, Steps(), TimeProvider.System, NullLogger<JobRunner>.Instance);
        using var run = new RunningJob(NewJob(), 2, RunObserver.None);

        var transition = await runner.RunAsync(run);

        Assert.Equal(ErrorCategory.Config, transition!.Error!.Category);
    }

    private static WorkflowError Error(string type, bool retryable) => new() { Type = type, Category = ErrorCategory.External, Message = "m", Retryable = retryable };

    private void Add(string step, string output) => _steps[step] = (_, _) => Task.FromResult(StepResult.Success(JsonElement.Parse(output)));

    private async Task<JobTransition?> RunAsync(LeasedJob job, PinnedWorkflow workflow)
    {
        using var run = new RunningJob(job, 2, new() { OnEvent = e => _events.Add(e.Type) });
        return await Runner(workflow).RunAsync(run);
    }

    private JobRunner Runner(PinnedWorkflow workflow) =>
        new((_, _) => Task.FromResult<PinnedWorkflow?>(workflow), _checkpoints, _ledger, Steps(), TimeProvider.System, NullLogger<JobRunner>.Instance);

    private StepRunner Steps() => new([new ScriptedStep(this)], TimeProvider.System, new Random(1), NullLogger<StepRunner>.Instance);

    private static LeasedJob NewJob()
    {
        var id = Guid.CreateVersion7();
        return new()
        {
            Identity = new() { JobId = id, WorkflowName = "sample", DefinitionHash = new string('a', 64) },
            Fence = new(id, Guid.CreateVersion7(), 1),
            Input = JsonElement.Parse("{}"),
        };
    }

    private static PinnedWorkflow Workflow(string[] steps, string? output = null, Func<TransformStepDefinition, StepDefinition>? change = null) => new()
    {
        Hash = new string('a', 64),
        Json = "{}",
        Prompts = new Dictionary<string, string>(),
        Definition = new()
        {
            Name = "sample",
            Steps = [.. steps.Select(id => new TransformStepDefinition { Id = id, Operations = [] }).Select(s => change?.Invoke(s) ?? s)],
            Output = output is null ? default : JsonElement.Parse(output),
        },
    };

    private sealed class ScriptedStep(JobRunnerTests test) : IStepExecutor
    {
        public string Type => "transform";

        public Task<StepResult> ExecuteAsync(StepContext context, CancellationToken cancellationToken)
        {
            test._ran.Add(context.Step.Id);
            return test._steps[context.Step.Id](context, cancellationToken);
        }
    }
}
