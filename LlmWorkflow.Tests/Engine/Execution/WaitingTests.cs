using System.Text.Json;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Tests.Support;
using static LlmWorkflow.Tests.Engine.Execution.ScriptedRun;

namespace LlmWorkflow.Tests.Engine.Execution;

public sealed class WaitingTests
{
    private readonly ManualTime _time = new(DateTimeOffset.Parse("2026-01-01T00:00:00Z", System.Globalization.CultureInfo.InvariantCulture));

    [Fact]
    public async Task Wait_Seconds_ParksTheJobUntilThen()
    {
        var run = new ScriptedRun("""{"pause":"30"}""") { Time = _time };
        StepDefinition[] steps = [Leaf("one"), Wait("${input.pause}"), Leaf("two")];

        var parked = await run.RunAsync(steps);

        Assert.Equal(JobStatus.Waiting, parked!.To);
        Assert.Equal(("pause", _time.GetUtcNow().AddSeconds(30)), (parked.Waits[0].StepPath, parked.Waits[0].Until));
        Assert.Equal("job.waiting", parked.Event.Type);
        _time.Advance(TimeSpan.FromSeconds(29));
        Assert.Equal(parked.Waits[0].Until, (await run.RunAsync(steps))!.Waits[0].Until);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("\"two\"", await run.OutputAsync(steps));
        Assert.Equal(["one", "two"], run.Ran);
        Assert.Equal(1, run.Events.Count(e => e.Type == "step.started" && e.Data.Contains("\"pause\"", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("2026-01-01T00:00:10Z", true)]
    [InlineData("2025-12-31", false)]
    [InlineData("2026-01-01T01:00:00+01:00", false)]
    public async Task Wait_Until_ParksOnlyBeforeThatTime(string until, bool parks)
    {
        var run = new ScriptedRun { Time = _time };

        var transition = await run.RunAsync([Leaf("one"), new WaitStepDefinition { Id = "pause", Until = until }]);

        Assert.Equal(parks ? JobStatus.Waiting : JobStatus.Completed, transition!.To);
        Assert.True(parks || transition.Result.GetRawText() == "\"one\"");
    }

    [Theory]
    [InlineData("\"soon\"")]
    [InlineData("-1")]
    [InlineData("1e300")]
    public async Task Wait_NoNumber_IsAClearError(string seconds)
    {
        var transition = await new ScriptedRun().RunAsync([new WaitStepDefinition { Id = "pause", Seconds = JsonElement.Parse(seconds) }]);

        Assert.Equal((ErrorTypes.ExpressionError, "pause"), (transition!.Error!.Type, transition.Error.StepId));
    }

    [Fact]
    public async Task Approval_Signal_GoesOnWithItsPayload()
    {
        var run = new ScriptedRun("""{"who":"Ada"}""") { Time = _time };
        StepDefinition[] steps = [Approval() with { Signal = "ok_${input.who}", Message = "Publish for ${input.who}?" }];

        var parked = await run.RunAsync(steps);
        Assert.Equal(("ok_Ada", "Publish for Ada?", _time.GetUtcNow().AddSeconds(60)), (parked!.Waits[0].Signal, parked.Waits[0].Message, parked.Waits[0].Until));
        run.Job = run.Job with { Signals = new Dictionary<string, JsonElement> { ["ok_Ada"] = JsonElement.Parse("""{"yes":true}""") } };

        Assert.Equal("""{"yes":true}""", await run.OutputAsync(steps));
    }

    [Fact]
    public async Task Approval_NobodyAnswers_FailsOrGoesOnAsAsked()
    {
        var run = new ScriptedRun { Time = _time };
        await run.RunAsync([Approval()]);
        _time.Advance(TimeSpan.FromSeconds(61));
        var failed = await run.RunAsync([Approval()]);
        Assert.Equal((JobStatus.Failed, ErrorTypes.ApprovalTimeout), (failed!.To, failed.Error!.Type));

        var other = new ScriptedRun { Time = _time };
        StepDefinition[] steps = [Approval() with { OnTimeout = OnError.Continue, Default = JsonElement.Parse("\"no answer\"") }];
        await other.RunAsync(steps);
        _time.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal("""{"o":"no answer","e":"ApprovalTimeout"}""", await other.OutputAsync(steps, """{"o":"${steps.ask.output}","e":"${steps.ask.error.type}"}"""));
    }

    [Fact]
    public async Task Approval_InAParallel_LetsTheOtherBranchGoOnFirst()
    {
        var run = new ScriptedRun { Time = _time };
        StepDefinition[] steps = [new ParallelStepDefinition
        {
            Id = "fan",
            Lanes = [new("left", "/branches/left", [Approval(), Leaf("after")]), new("right", "/branches/right", [Leaf("a"), Leaf("b")])],
        }];

        var parked = await run.RunAsync(steps);
        Assert.Equal(["fan/left/ask"], parked!.Waits.Select(w => w.StepPath));
        Assert.Equal(["fan/right/a", "fan/right/b"], run.Ran);
        run.Job = run.Job with { Signals = new Dictionary<string, JsonElement> { ["ask"] = JsonElement.Parse("1") } };
        Assert.Equal("""{"left":"fan/left/after","right":"fan/right/b"}""", await run.OutputAsync(steps));
        Assert.Equal(["fan/right/a", "fan/right/b", "fan/left/after"], run.Ran);
    }

    [Fact]
    public async Task Approval_InAForeach_ParkedIterationsGiveTheirPlaceToTheNext()
    {
        var run = new ScriptedRun("""{"items":[1,2,3]}""") { Time = _time };
        StepDefinition[] steps = [new ForeachStepDefinition { Id = "each", Items = "input.items", Steps = [Leaf("draft"), Approval() with { Signal = "ok_${index}" }] }];

        var parked = await run.RunAsync(steps);

        Assert.Equal(["ok_0", "ok_1", "ok_2"], parked!.Waits.Select(w => w.Signal));
        Assert.Equal(3, run.Ran.Count);
        run.Job = run.Job with { Signals = new Dictionary<string, JsonElement> { ["ok_1"] = JsonElement.Parse("1") } };
        Assert.Equal(["ok_0", "ok_2"], (await run.RunAsync(steps))!.Waits.Select(w => w.Signal));
        Assert.Equal(3, run.Ran.Count);
    }

    [Fact]
    public async Task Parallel_OneBranchFailedTheOtherWaits_FailsAtOnceOnlyWithFailFast()
    {
        var run = new ScriptedRun { Time = _time };
        run.Fails("a");
        var fan = new ParallelStepDefinition
        {
            Id = "fan", FailFast = false, Lanes = [new("left", "/branches/left", [Approval(), Leaf("after")]), new("right", "/branches/right", [Leaf("a")])],
        };

        Assert.Equal(["fan/left/ask"], (await run.RunAsync([fan]))!.Waits.Select(w => w.StepPath));
        run.Job = run.Job with { Signals = new Dictionary<string, JsonElement> { ["ask"] = JsonElement.Parse("1") } };
        Assert.Equal("Broken", (await run.RunAsync([fan]))!.Error!.Type);
        // What had failed is not tried anew while the other branch is waited for.
        Assert.Equal(["fan/right/a", "fan/left/after"], run.Ran);

        var fast = new ScriptedRun { Time = _time };
        fast.Fails("a");
        Assert.Equal(JobStatus.Failed, (await fast.RunAsync([fan with { FailFast = true }]))!.To);
    }

    [Fact]
    public async Task Now_InAResumedStep_IsTheTimeOfItsFirstStart()
    {
        var run = new ScriptedRun { Time = _time };
        StepDefinition[] steps = [new ConditionalStepDefinition
        {
            Id = "pick", Cases = [new("context.now < '2026-01-01T00:00:30'", new("then", "/then", [Wait("60"), Leaf("early")]))], Otherwise = new("else", "/else", [Leaf("late")]),
        }];

        await run.RunAsync(steps);
        _time.Advance(TimeSpan.FromSeconds(61));

        Assert.Equal("\"pick/then/early\"", await run.OutputAsync(steps));
    }

    private static WaitStepDefinition Wait(string seconds) => new() { Id = "pause", Seconds = JsonElement.Parse($"\"{seconds}\"") };

    private static ApprovalStepDefinition Approval() => new() { Id = "ask", Signal = "ask", WaitSeconds = 60 };
}
