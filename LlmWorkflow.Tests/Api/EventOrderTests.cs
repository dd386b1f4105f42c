using System.Globalization;
using System.Text.Json;
using LlmWorkflow.Api.Events;
using LlmWorkflow.Engine.Queue;
using LlmWorkflow.Engine.Storage;

namespace LlmWorkflow.Tests.Api;

public sealed class EventOrderTests
{
    [Fact]
    public void Advance_StepStreamsAndEnds_TextComesBeforeItsEnd()
    {
        var order = new EventOrder(0);

        Assert.Equal(["1 job.queued", "2 step.started"], Texts(order.Advance([Job(1, "job.queued"), Step(2, "step.started")], [])));
        Assert.Equal(["llm.delta a0 ab"], Texts(order.Advance([], [Text(0, 0, "ab")])));
        Assert.Equal(["llm.delta a0 cd", "3 step.completed"], Texts(order.Advance([Step(3, "step.completed")], [Text(0, 2, "cd")])));
        Assert.False(order.IsOver);
        Assert.Equal(["4 job.completed"], Texts(order.Advance([Job(4, "job.completed")], [])));
        Assert.True(order.IsOver);
    }

    [Fact]
    public void Advance_JoinsWhileStepStreams_GetsOneSnapshotThenPieces()
    {
        var order = new EventOrder(0);

        Assert.Equal(["1 step.started", "llm.snapshot a0 abcd"], Texts(order.Advance([Step(1, "step.started")], [Text(0, 0, "ab"), Text(0, 2, "cd")])));
        Assert.Equal(["llm.delta a0 e"], Texts(order.Advance([], [Text(0, 4, "e")])));
    }

    [Fact]
    public void Advance_ResumesAfterStart_SkipsKnownEventsAndGetsSnapshot()
    {
        var order = new EventOrder(2);

        Assert.Equal(["llm.snapshot a0 ab"], Texts(order.Advance([Job(1, "job.queued"), Step(2, "step.started")], [Text(0, 0, "ab")])));
    }

    [Fact]
    public void Advance_JoinsAfterStepEnded_GetsNoText() =>
        Assert.Equal(
            ["1 step.started", "2 step.completed"],
            Texts(new EventOrder(0).Advance([Step(1, "step.started"), Step(2, "step.completed")], [Text(0, 0, "ab")])));

    [Fact]
    public void Advance_StepIsCalledAgain_Resets()
    {
        var order = new EventOrder(0);
        order.Advance([Step(1, "step.started")], []);
        order.Advance([], [Text(0, 0, "old")]);

        Assert.Equal(["2 step.retrying", "llm.reset a1", "llm.delta a1 new"], Texts(order.Advance([Step(2, "step.retrying")], [Text(1, 0, "new")])));
    }

    [Fact]
    public void Advance_JoinsDuringSecondCall_SeesOnlyThat() =>
        Assert.Equal(
            ["1 step.started", "llm.snapshot a1 new"],
            Texts(new EventOrder(0).Advance([Step(1, "step.started")], [Text(0, 0, "old"), Text(1, 0, "n"), Text(1, 1, "ew")])));

    [Fact]
    public void Advance_PiecesOfAnEarlierOwner_AreLeftOut()
    {
        var order = new EventOrder(0);
        order.Advance([Step(1, "step.started")], []);

        Assert.Equal(
            ["llm.delta a1 new", "llm.delta a1 !"],
            Texts(order.Advance([], [Text(1, 0, "new"), Text(0, 9, "zombie"), Text(1, 3, "!")])));
    }

    [Fact]
    public void Advance_PieceSentTwice_IsShownOnce()
    {
        var order = new EventOrder(0);
        order.Advance([Step(1, "step.started")], []);

        Assert.Equal(["llm.delta a0 abc", "llm.delta a0 d"], Texts(order.Advance([], [Text(0, 0, "abc"), Text(0, 0, "abc"), Text(0, 1, "bcd")])));
    }

    [Fact]
    public void Advance_PieceIsMissing_ClearsAndStaysSilentUntilNextCall()
    {
        var order = new EventOrder(0);
        order.Advance([Step(1, "step.started")], []);

        Assert.Equal(
            ["llm.delta a0 ab", "llm.reset a0", "llm.reset a1", "llm.delta a1 x"],
            Texts(order.Advance([], [Text(0, 0, "ab"), Text(0, 5, "fg"), Text(0, 7, "h"), Text(1, 0, "x")])));
    }

    [Fact]
    public void Advance_JoinsWhenBeginningIsLost_ShowsNothingTorn() =>
        Assert.Equal(["1 step.started", "llm.reset a0"], Texts(new EventOrder(0).Advance([Step(1, "step.started")], [Text(0, 100, "tail")])));

    [Fact]
    public void Advance_TextArrivesBeforeItsStepIsKnown_Waits()
    {
        var order = new EventOrder(0);
        Assert.Equal(["1 job.queued"], Texts(order.Advance([Job(1, "job.queued")], [Text(0, 0, "ab")])));

        Assert.Equal(["2 step.started", "llm.delta a0 ab"], Texts(order.Advance([Step(2, "step.started")], [])));
    }

    [Fact]
    public void Advance_JobGoesOnAfterItsEnd_IsNotOver()
    {
        var order = new EventOrder(0);

        order.Advance([Job(1, "job.failed"), Job(2, "job.queued")], []);

        Assert.False(order.IsOver);
    }

    [Fact]
    public void Advance_TwoStepsAtOnce_AreKeptApart()
    {
        var order = new EventOrder(0);
        order.Advance([Step(1, "step.started"), Step(2, "step.started", "b")], []);

        Assert.Equal(
            ["llm.delta a0 1", "llm.delta b0 x", "llm.delta a0 2", "3 step.completed", "llm.delta b0 y"],
            Texts([
                .. order.Advance([], [Text(0, 0, "1"), Text(0, 0, "x", "b"), Text(0, 1, "2")]),
                .. order.Advance([Step(3, "step.completed")], [Text(0, 1, "y", "b")])]));
    }

    private static StoredEvent Job(long sequence, string type) => new(sequence, type, JsonElement.Parse("{}"), DateTimeOffset.UnixEpoch);

    private static StoredEvent Step(long sequence, string type, string step = "a") =>
        new(sequence, type, JsonElement.Parse($$"""{"step_id": "{{step}}", "step_path": "{{step}}"}"""), DateTimeOffset.UnixEpoch);

    private static LiveEntry Text(int call, int offset, string text, string step = "a") => new("0-1", step, call, offset, text);

    private static IEnumerable<string> Texts(IReadOnlyList<EventFrame> frames) => frames.Select(f => f.Stored is { } stored
        ? string.Create(CultureInfo.InvariantCulture, $"{stored.Sequence} {f.Type}")
        : $"{f.Type} {f.StepPath}{f.Call} {f.Text}".TrimEnd());
}
