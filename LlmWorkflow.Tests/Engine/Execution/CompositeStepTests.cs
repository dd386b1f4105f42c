using System.Text.Json;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Execution;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Steps;
using static LlmWorkflow.Tests.Engine.Execution.ScriptedRun;

namespace LlmWorkflow.Tests.Engine.Execution;

public sealed class CompositeStepTests
{
    [Theory]
    [InlineData("""{"kind":"a"}""", "\"pick/0/one\"", "0")]
    [InlineData("""{"kind":"b"}""", "\"pick/1/two\"", "1")]
    [InlineData("""{"kind":"c"}""", "\"pick/default/three\"", "\"default\"")]
    [InlineData("{}", "\"pick/default/three\"", "\"default\"")]
    public async Task Conditional_Cases_TakesTheFirstThatHolds(string input, string output, string branch)
    {
        var run = new ScriptedRun(input);

        var result = await run.OutputAsync(
            [Pick(("input.kind == 'a'", "one"), ("input.kind == 'b'", "two")) with { Otherwise = Branch("default", Leaf("three")) }],
            """{"o":"${steps.pick.output}","b":"${steps.pick.branch}"}""");

        Assert.Equal($$"""{"o":{{output}},"b":{{branch}}}""", result);
        Assert.Single(run.Ran);
    }

    [Fact]
    public async Task Conditional_NoBranchTaken_GivesNullAndBranchNull()
    {
        var result = await new ScriptedRun().OutputAsync([Then("false")], """{"o":"${steps.pick.output}","b":"${steps.pick.branch}"}""");

        Assert.Equal("""{"o":null,"b":null}""", result);
    }

    [Fact]
    public async Task Conditional_ThenTaken_ItsStepsAreReadableAfterwardsAlsoWhenResumed()
    {
        var run = new ScriptedRun();
        StepDefinition[] steps = [Then("true"), Leaf("last")];
        run.Steps["last"] = (context, _) => Task.FromResult(StepResult.Success(context.Scope.Steps["one"].Output));

        Assert.Equal("\"pick/then/one\"", await run.OutputAsync(steps, """{"x":"${steps.one.output}"}""") is var first ? JsonElement.Parse(first).GetProperty("x").GetRawText() : "");
        Assert.Equal("""{"x":"pick/then/one"}""", await run.OutputAsync(steps, """{"x":"${steps.one.output}"}"""));
        Assert.Equal(["pick/then/one", "last"], run.Ran);
    }

    [Fact]
    public async Task When_False_SkipsTheStepAndHandsOnTheOutputBefore()
    {
        var run = new ScriptedRun();
        run.Gives("one", "1");
        run.Steps["three"] = (context, _) => Task.FromResult(StepResult.Success(context.PreviousOutput));

        var result = await run.OutputAsync(
            [Leaf("one"), Leaf("two") with { When = "${steps.one.output > 1}" }, Leaf("three")],
            """{"s":"${steps.two.status}","o":"${steps.two.output ?? 'none'}","p":"${steps.three.output}"}""");

        Assert.Equal("""{"s":"skipped","o":"none","p":1}""", result);
        Assert.Equal(["one", "three"], run.Ran);
        Assert.Equal(["step.started", "step.completed", "step.skipped", "step.started", "step.completed"], run.Events.Select(e => e.Type));
    }

    [Fact]
    public async Task When_CannotBeEvaluated_IsTheStepsErrorAndOnErrorCounts()
    {
        var steps = new StepDefinition[] { Leaf("one") with { When = "input.n < 'x'", OnError = OnError.Continue, Default = JsonElement.Parse("7") } };

        Assert.Equal("7", await new ScriptedRun("""{"n":1}""").OutputAsync(steps));
        var failed = await new ScriptedRun("""{"n":1}""").RunAsync([Leaf("one") with { When = "input.n < 'x'" }]);
        Assert.Equal((ErrorTypes.ExpressionError, "one"), (failed!.Error!.Type, failed.Error.StepId));
    }

    [Fact]
    public async Task Parallel_AllBranches_GivesTheirLastOutputsByName()
    {
        var run = new ScriptedRun();
        run.Gives("b1", "1");

        var result = await run.OutputAsync(
            [Fan(("left", [Leaf("a1"), Leaf("a2")]), ("right", [Leaf("b1")])), Leaf("last")],
            """{"fan":"${steps.fan.output}","inner":"${steps.a1.output}"}""");

        Assert.Equal("""{"fan":{"left":"fan/left/a2","right":1},"inner":"fan/left/a1"}""", result);
    }

    [Fact]
    public async Task Parallel_RunsBranchesAtOnce()
    {
        var run = new ScriptedRun();
        var (aIn, bIn) = (new TaskCompletionSource(), new TaskCompletionSource());
        run.Steps["a"] = async (_, ct) => { aIn.SetResult(); await bIn.Task.WaitAsync(ct); return Value("1"); };
        run.Steps["b"] = async (_, ct) => { bIn.SetResult(); await aIn.Task.WaitAsync(ct); return Value("2"); };

        Assert.Equal("""{"x":1,"y":2}""", await run.OutputAsync([Fan(("x", [Leaf("a")]), ("y", [Leaf("b")])) with { TimeoutSeconds = 10 }]));
    }

    [Fact]
    public async Task Parallel_MaxConcurrency_IsKept()
    {
        var run = new ScriptedRun();
        var (now, most) = (0, 0);
        var two = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        foreach (var id in new[] { "a", "b", "c", "d" })
        {
            run.Steps[id] = async (_, ct) =>
            {
                most = Math.Max(most, Interlocked.Increment(ref now));
                if (most == 2)
                {
                    two.TrySetResult();
                }

                await two.Task.WaitAsync(ct);
                // Time for a third one to come.
                await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, ct);
                Interlocked.Decrement(ref now);
                return Value("1");
            };
        }

        await run.OutputAsync([Fan(("a", [Leaf("a")]), ("b", [Leaf("b")]), ("c", [Leaf("c")]), ("d", [Leaf("d")])) with { MaxConcurrency = 2 }]);

        Assert.Equal(2, most);
    }

    [Fact]
    public async Task Parallel_FailFast_StopsTheOthersAndFailsWithTheError()
    {
        var run = new ScriptedRun();
        run.Fails("a");
        run.Steps["b"] = async (_, ct) => { await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, ct); return Value("1"); };

        var transition = await run.RunAsync([Fan(("x", [Leaf("a")]), ("y", [Leaf("b"), Leaf("c")]))]);

        Assert.Equal((JobStatus.Failed, "Broken", "a"), (transition!.To, transition.Error!.Type, transition.Error.StepId));
        Assert.DoesNotContain("fan/y/c", run.Ran);
    }

    [Fact]
    public async Task Parallel_NotFailFast_LetsTheOthersEndAndKeepsTheirCheckpoints()
    {
        var run = new ScriptedRun();
        run.Fails("a");

        var transition = await run.RunAsync([Fan(("x", [Leaf("a")]), ("y", [Leaf("b"), Leaf("c")])) with { FailFast = false }]);

        Assert.Equal(JobStatus.Failed, transition!.To);
        Assert.Equal(StepStatus.Completed, (await run.CheckpointsAsync())["fan/y/c"].Status);
    }

    [Fact]
    public async Task Foreach_Items_GivesTheOutputsInTheirOrder()
    {
        var run = new ScriptedRun("""{"items":["a","b","c"]}""");
        run.Steps["one"] = async (context, ct) =>
        {
            // The first item ends last.
            await Task.Delay(TimeSpan.FromMilliseconds(context.Scope.Locals["index"].GetInt32() == 0 ? 60 : 1), TimeProvider.System, ct);
            return Value($"\"{context.Scope.Locals["who"].GetString()}{context.Scope.Locals["index"]}\"");
        };

        Assert.Equal("""["a0","b1","c2"]""", await run.OutputAsync([Each("input.items", Leaf("one")) with { As = "who", MaxConcurrency = 3 }]));
        Assert.Equal(["each/0/one", "each/1/one", "each/2/one"], run.Ran.Order());
    }

    [Theory]
    [InlineData("""{"items":[]}""", "[]")]
    [InlineData("""{"items":[null]}""", """["each/0/one"]""")]
    public async Task Foreach_Edges_AreNoErrors(string input, string output) =>
        Assert.Equal(output, await new ScriptedRun(input).OutputAsync([Each("input.items", Leaf("one"))]));

    [Theory]
    [InlineData("""{"items":"abc"}""", ErrorTypes.ExpressionError, "must be an array")]
    [InlineData("{}", ErrorTypes.ExpressionError, "items")]
    public async Task Foreach_NoArray_IsAClearError(string input, string type, string message)
    {
        var transition = await new ScriptedRun(input).RunAsync([Each("input.items", Leaf("one"))]);

        Assert.Equal((type, "each"), (transition!.Error!.Type, transition.Error.StepId));
        Assert.Contains(message, transition.Error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Foreach_TooManyItems_IsRefusedBeforeAnyIsRun()
    {
        var run = new ScriptedRun($$"""{"items":[{{string.Join(',', Enumerable.Range(0, 10_001))}}]}""");

        var transition = await run.RunAsync([Each("input.items", Leaf("one"))]);

        Assert.Equal(ErrorTypes.LimitExceeded, transition!.Error!.Type);
        Assert.Empty(run.Ran);
    }

    [Fact]
    public async Task Foreach_InsideForeach_EndsAtTheLimitOfSteps()
    {
        var run = new ScriptedRun($$"""{"items":[{{string.Join(',', Enumerable.Range(0, 400))}}]}""");

        var transition = await run.RunAsync([Each("input.items", Each("input.items", Leaf("one")) with { Id = "inner" })]);

        Assert.Equal(ErrorTypes.LimitExceeded, transition!.Error!.Type);
        Assert.InRange(run.Ran.Count, 99_000, 100_000);
    }

    [Fact]
    public async Task Foreach_OutputsBeyondTheLimit_EndInAClearErrorBeforeAllAreHeld()
    {
        var run = new ScriptedRun($$"""{"items":[{{string.Join(',', Enumerable.Range(0, 200))}}]}""");
        var big = $"\"{new string('x', 1_000_000)}\"";
        run.Gives("one", big);

        var transition = await run.RunAsync([Each("input.items", Leaf("one"))]);

        Assert.Equal(ErrorTypes.LimitExceeded, transition!.Error!.Type);
        Assert.InRange(run.Ran.Count, 16, 20);
    }

    [Fact]
    public async Task Foreach_StoppedInTheMiddle_RedoesOnlyWhatHadNotFinished()
    {
        var run = new ScriptedRun($$"""{"items":[{{string.Join(',', Enumerable.Range(0, 10))}}]}""");
        var block = true;
        RunningJob? running = null;
        run.Steps["one"] = async (context, ct) =>
        {
            if (block && context.StepPath == "each/6/one")
            {
                running!.Stop(StopReason.Shutdown);
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, ct);
            }

            return Value($"\"{context.StepPath}\"");
        };
        StepDefinition[] steps = [Each("input.items", Leaf("one"))];

        Assert.Equal(JobStatus.Queued, (await run.RunAsync(steps, watch: r => running = r))!.To);
        block = false;
        run.Ran.Clear();
        var result = await run.OutputAsync(steps);

        Assert.Equal(["each/6/one", "each/7/one", "each/8/one", "each/9/one"], run.Ran);
        Assert.Equal(10, JsonElement.Parse(result).GetArrayLength());
    }

    [Fact]
    public async Task Foreach_TriedAgain_RunsOnlyTheFailedIteration()
    {
        var run = new ScriptedRun("""{"items":[0,1,2]}""");
        var failures = 1;
        run.Steps["one"] = (context, _) => Task.FromResult(
            context.StepPath == "each/1/one" && failures-- > 0 ? StepResult.Failure(Error("Busy", retryable: true)) : Value("1"));

        var result = await run.OutputAsync([Each("input.items", Leaf("one")) with { Retry = new() { InitialDelaySeconds = 0.001 } }]);

        Assert.Equal("[1,1,1]", result);
        Assert.Equal(["each/0/one", "each/1/one", "each/1/one", "each/2/one"], run.Ran);
    }

    [Fact]
    public async Task Nested_ForeachInParallelInConditional_HasPathsOfAll()
    {
        var run = new ScriptedRun("""{"items":[1,2]}""");

        await run.OutputAsync([new ConditionalStepDefinition
        {
            Id = "pick",
            Cases = [new("true", Branch("then", Fan(("left", [Each("input.items", Leaf("deep"))]))))],
        }]);

        Assert.Equal(["pick/then/fan/left/each/0/deep", "pick/then/fan/left/each/1/deep"], run.Ran);
    }

    [Fact]
    public async Task Workflow_Step_RunsInAWorldOfItsOwnAndGivesItsOutput()
    {
        var run = new ScriptedRun("""{"city":"Berlin"}""");
        run.Workflows["inner"] = new(
            new()
            {
                Name = "inner",
                Variables = new Dictionary<string, JsonElement> { ["greeting"] = JsonElement.Parse("\"Hello\"") },
                Steps = [Leaf("one")],
                Output = JsonElement.Parse("""{"text":"${context.greeting} ${input.town}, ${steps.one.output}"}"""),
            },
            "{}");

        var result = await run.OutputAsync(
            [new WorkflowStepDefinition { Id = "sub", Workflow = "inner", Input = JsonElement.Parse("""{"town":"${input.city}"}""") }],
            """{"r":"${steps.sub.text}"}""");

        Assert.Equal("""{"r":"Hello Berlin, sub/one"}""", result);
        Assert.Equal(StepStatus.Completed, (await run.CheckpointsAsync())["sub/one"].Status);
    }

    [Fact]
    public async Task Workflow_InputBreaksItsSchema_IsAnErrorWithThePointer()
    {
        var run = new ScriptedRun();
        run.Workflows["inner"] = new(
            new() { Name = "inner", Steps = [Leaf("one")], InputSchema = JsonElement.Parse("""{"type":"object","properties":{"n":{"type":"integer"}}}""") }, "{}");

        var transition = await run.RunAsync([new WorkflowStepDefinition { Id = "sub", Workflow = "inner", Input = JsonElement.Parse("""{"n":"x"}""") }]);

        Assert.Equal(ErrorTypes.InvalidInput, transition!.Error!.Type);
        Assert.Contains("/n", transition.Error.Message, StringComparison.Ordinal);
        Assert.Empty(run.Ran);
    }

    [Fact]
    public async Task Composite_OnErrorContinue_GivesTheDefault()
    {
        var run = new ScriptedRun("""{"items":[1]}""");
        run.Fails("one");

        Assert.Equal("[]", await run.OutputAsync([Each("input.items", Leaf("one")) with { OnError = OnError.Continue, Default = JsonElement.Parse("[]") }]));
    }

    [Theory]
    [InlineData("\"${input.n}\"", "5")]
    [InlineData("\"${input.nothing}\"", "null")]
    public async Task OnErrorContinue_DefaultWithExpression_IsResolved(string value, string output)
    {
        var run = new ScriptedRun("""{"n":5}""");
        run.Fails("one");

        Assert.Equal(output, await run.OutputAsync([Leaf("one") with { OnError = OnError.Continue, Default = JsonElement.Parse(value) }]));
    }

    [Fact]
    public async Task OnErrorContinue_WithoutDefault_GivesNull()
    {
        var run = new ScriptedRun();
        run.Fails("one");

        Assert.Equal("""{"o":null,"s":"failed"}""", await run.OutputAsync([Leaf("one") with { OnError = OnError.Continue }], """{"o":"${steps.one.output}","s":"${steps.one.status}"}"""));
    }

    [Fact]
    public async Task Composite_Timeout_StopsTheStepsInside()
    {
        var run = new ScriptedRun();
        run.Steps["a"] = async (_, ct) => { await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, ct); return Value("1"); };

        var transition = await run.RunAsync([Fan(("x", [Leaf("a")])) with { TimeoutSeconds = 0.05 }]);

        Assert.Equal((ErrorTypes.StepTimeout, "fan"), (transition!.Error!.Type, transition.Error.StepId));
    }

    [Fact]
    public async Task Cancel_InAParallel_StopsAllBranches()
    {
        var run = new ScriptedRun();
        RunningJob? running = null;
        run.Steps["a"] = async (_, ct) => { await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, ct); return Value("1"); };
        run.Steps["b"] = async (_, ct) => { running!.Stop(StopReason.CancelRequested); await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, ct); return Value("1"); };

        var transition = await run.RunAsync([Fan(("x", [Leaf("a")]), ("y", [Leaf("b")]))], watch: r => running = r);

        Assert.Equal(JobStatus.Cancelled, transition!.To);
    }

    [Fact]
    public async Task Progress_OfNestedSteps_RisesFromZeroToAHundred()
    {
        var run = new ScriptedRun("""{"items":[1,2,3,4]}""");

        await run.OutputAsync([Each("input.items", Leaf("one")), Leaf("two")]);

        var progress = run.Events.Select(e => JsonElement.Parse(e.Data).GetProperty("progress").GetInt32()).ToList();
        Assert.Equal(progress.Order(), progress);
        Assert.Contains(25, progress);
        Assert.Equal(100, progress[^1]);
    }

    private static StepBranch Branch(string name, params StepDefinition[] steps) => new(name, $"/{name}", steps);

    private static ConditionalStepDefinition Then(string condition) => new() { Id = "pick", Cases = [new(condition, Branch("then", Leaf("one")))] };

    private static ConditionalStepDefinition Pick(params (string When, string Step)[] cases) =>
        new() { Id = "pick", Cases = [.. cases.Select((c, i) => new ConditionalCase(c.When, Branch($"{i}", Leaf(c.Step))))] };

    private static ParallelStepDefinition Fan(params (string Name, StepDefinition[] Steps)[] lanes) =>
        new() { Id = "fan", Lanes = [.. lanes.Select(lane => Branch(lane.Name, lane.Steps))] };

    private static ForeachStepDefinition Each(string items, params StepDefinition[] steps) => new() { Id = "each", Items = items, Steps = steps };
}
