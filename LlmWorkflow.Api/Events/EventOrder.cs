using System.Text;
using System.Text.Json;
using LlmWorkflow.Engine.Queue;
using LlmWorkflow.Engine.Storage;

namespace LlmWorkflow.Api.Events;

/// <summary>What is written to an event stream: a durable event, or streamed text.</summary>
/// <param name="Stored">The durable event; null for text.</param>
/// <param name="Type">The SSE event name.</param>
/// <param name="StepPath">The step whose text it is.</param>
/// <param name="Call">The call's ordinal within the step.</param>
/// <param name="Text">The text; null for <c>llm.reset</c>.</param>
internal sealed record EventFrame(StoredEvent? Stored, string Type, string StepPath = "", int Call = 0, string? Text = null)
{
    public const string Snapshot = "llm.snapshot";
    public const string Delta = "llm.delta";
    public const string Reset = "llm.reset";
}

/// <summary>
/// Puts durable events and streamed text into one order for one reader. Pure. Text of a step comes after its start and before its end; who
/// joins while a step streams gets what there is as one snapshot; text whose beginning is not to be had is left out, so that nobody sees it torn.
/// </summary>
/// <param name="lastEventId">The last durable event that the reader has; they are read from the first one on all the same, to know which steps run.</param>
internal sealed class EventOrder(long lastEventId)
{
    private readonly Dictionary<string, StepText> _steps = new(StringComparer.Ordinal);
    private List<LiveEntry> _waiting = [];
    private bool _joining = true;

    /// <summary>The last durable event that was taken in.</summary>
    public long Sequence { get; private set; }

    /// <summary>Whether the last durable event ends the job.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Takes in what was read, the events before the text, and gives what is to be written.</summary>
    public IReadOnlyList<EventFrame> Advance(IReadOnlyList<StoredEvent> events, IReadOnlyList<LiveEntry> live)
    {
        List<EventFrame> frames = [];
        _waiting.AddRange(live);
        foreach (var stored in events)
        {
            Follow(stored, frames);
            Sequence = stored.Sequence;
            IsOver = stored.Type is "job.completed" or "job.failed" or "job.cancelled";
            if (stored.Sequence > lastEventId)
            {
                frames.Add(new(stored, stored.Type));
            }
        }

        if (_joining)
        {
            Join(frames);
            _joining = false;
        }
        else
        {
            _waiting = [.. _waiting.Where(entry => !TakeIfKnown(entry, frames))];
        }

        return frames;
    }

    private void Follow(StoredEvent stored, List<EventFrame> frames)
    {
        if (!stored.Data.TryGetProperty("step_path", out var id) || id.ValueKind is not JsonValueKind.String || id.GetString() is not { } path)
        {
            return;
        }

        var step = _steps.TryGetValue(path, out var known) ? known : _steps[path] = new();
        switch (stored.Type)
        {
            case "step.started" or "step.retrying":
                step.IsOpen = true;
                break;
            case "step.completed" or "step.failed" or "step.skipped":
                if (!_joining)
                {
                    // The last pieces were flushed before the step's end was written.
                    _waiting = [.. _waiting.Where(entry => entry.StepPath != path || !TakeIfKnown(entry, frames))];
                }

                step.IsOpen = false;
                break;
        }
    }

    private void Join(List<EventFrame> frames)
    {
        foreach (var group in _waiting.GroupBy(e => e.StepPath).ToList())
        {
            if (!_steps.TryGetValue(group.Key, out var step))
            {
                // Its start is not committed yet, or not read yet.
                continue;
            }

            if (!step.IsOpen)
            {
                step.Call = group.Max(e => e.Call);
                continue;
            }

            List<EventFrame> pieces = [];
            foreach (var entry in group)
            {
                step.Take(entry, pieces);
            }

            var text = new StringBuilder();
            foreach (var piece in pieces)
            {
                text = piece.Type == EventFrame.Reset ? text.Clear() : text.Append(piece.Text);
            }

            frames.Add(step.IsBroken
                ? new(null, EventFrame.Reset, group.Key, step.Call)
                : new(null, EventFrame.Snapshot, group.Key, step.Call, text.ToString()));
        }

        _waiting.RemoveAll(e => _steps.ContainsKey(e.StepPath));
    }

    // False: it has to wait for the event that says what it belongs to.
    private bool TakeIfKnown(LiveEntry entry, List<EventFrame> frames)
    {
        if (!_steps.TryGetValue(entry.StepPath, out var step))
        {
            return false;
        }

        if (step.IsOpen)
        {
            step.Take(entry, frames);
            return true;
        }

        return entry.Call <= step.Call;
    }

    private sealed class StepText
    {
        private int _length;

        public bool IsOpen { get; set; }

        public int Call { get; set; } = -1;

        /// <summary>A piece is missing: nothing more of this call is shown.</summary>
        public bool IsBroken { get; private set; }

        public void Take(LiveEntry entry, List<EventFrame> frames)
        {
            if (entry.Call < Call)
            {
                // From a worker that lost the job.
                return;
            }

            if (entry.Call > Call)
            {
                if (Call >= 0)
                {
                    frames.Add(new(null, EventFrame.Reset, entry.StepPath, entry.Call));
                }

                Call = entry.Call;
                _length = 0;
                IsBroken = false;
            }

            if (IsBroken || entry.Offset + entry.Text.Length <= _length)
            {
                return;
            }

            if (entry.Offset > _length)
            {
                IsBroken = true;
                frames.Add(new(null, EventFrame.Reset, entry.StepPath, entry.Call));
                return;
            }

            // A piece that was sent twice, because nobody could tell whether the first time had worked, is cut to its new part.
            var text = entry.Text[(_length - entry.Offset)..];
            _length += text.Length;
            frames.Add(new(null, EventFrame.Delta, entry.StepPath, entry.Call, text));
        }
    }
}
