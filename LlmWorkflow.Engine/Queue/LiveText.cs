using System.Text;
using LlmWorkflow.Engine.Jobs;

namespace LlmWorkflow.Engine.Queue;

/// <summary>A piece of streamed text in a job's live stream.</summary>
/// <param name="Id">Its place in the stream.</param>
/// <param name="StepPath">The step that streams.</param>
/// <param name="Call">The call's ordinal within the step.</param>
/// <param name="Offset">Characters (UTF-16) of the same call before this piece.</param>
/// <param name="Text">The piece.</param>
public readonly record struct LiveEntry(string Id, string StepPath, int Call, int Offset, string Text);

/// <summary>Text of one job that is not out yet. Pieces of the same call are joined; what could not be sent is kept and sent again.</summary>
internal sealed class LiveText(Guid jobId)
{
    // Redis may be away for a while: what does not fit is dropped, and readers see the gap.
    private const int LongestBacklog = 256 * 1024;

    private readonly Lock _lock = new();
    private readonly List<Piece> _pending = [];
    private readonly Dictionary<string, (int Call, int Length)> _streams = new(StringComparer.Ordinal);
    private int _backlog;
    private bool _dirty;
    private bool _isClosed;

    public Guid JobId { get; } = jobId;

    /// <summary>Held while pieces are on their way, so that they stay in order.</summary>
    public SemaphoreSlim Sending { get; } = new(1, 1);

    /// <summary>Timestamp of the last piece.</summary>
    public long LastUsed { get; private set; }

    /// <summary>Whether the stream's time to live was set.</summary>
    public bool HasLifetime { get; set; }

    /// <summary>Adds a piece. True: there was nothing to send before. Null: the job has nothing more to say here, a new text must be begun.</summary>
    public bool? Append(LlmDelta delta, long now)
    {
        lock (_lock)
        {
            if (_isClosed)
            {
                return null;
            }

            LastUsed = now;
            var known = _streams.TryGetValue(delta.StepPath, out var stream) && stream.Call == delta.Call;
            var offset = known ? stream.Length : 0;
            _streams[delta.StepPath] = (delta.Call, offset + delta.Text.Length);
            if (_backlog + delta.Text.Length > LongestBacklog)
            {
                return false;
            }

            _backlog += delta.Text.Length;
            if (_pending is [.., { Taken: false } last] && last.StepPath == delta.StepPath && last.Call == delta.Call && last.End == offset)
            {
                last.Text.Append(delta.Text);
            }
            else
            {
                _pending.Add(new(delta.StepPath, delta.Call, offset, new(delta.Text)));
            }

            var first = !_dirty;
            _dirty = true;
            return first;
        }
    }

    /// <summary>A step does not stream any more. True: no other does either, and the text is closed.</summary>
    public bool End(string stepPath)
    {
        lock (_lock)
        {
            _streams.Remove(stepPath);
            return _isClosed = _isClosed || _streams.Count == 0;
        }
    }

    /// <summary>What is to be sent now. It stays pending until <see cref="Sent"/>.</summary>
    public IReadOnlyList<LiveEntry> Take()
    {
        lock (_lock)
        {
            _dirty = false;
            SplitSurrogates();
            foreach (var piece in _pending)
            {
                piece.Taken |= piece.Text.Length > 1 || !char.IsHighSurrogate(piece.Text[0]);
            }

            return [.. _pending.Where(p => p.Taken).Select(p => new LiveEntry("", p.StepPath, p.Call, p.Offset, p.Text.ToString()))];
        }
    }

    /// <summary>The first <paramref name="count"/> pieces are out.</summary>
    public void Sent(int count)
    {
        lock (_lock)
        {
            _backlog -= _pending.Take(count).Sum(p => p.Text.Length);
            _pending.RemoveRange(0, count);
        }
    }

    /// <summary>Sending failed. True: it is to be queued again.</summary>
    public bool Failed()
    {
        lock (_lock)
        {
            var first = !_dirty;
            _dirty = true;
            return first;
        }
    }

    // Half of a surrogate pair cannot be sent as UTF-8: it waits for its other half.
    private void SplitSurrogates()
    {
        if (_pending is [.., { Taken: false, Text.Length: > 1 } last] && char.IsHighSurrogate(last.Text[^1]))
        {
            var half = last.Text[^1];
            last.Text.Length--;
            _pending.Add(new(last.StepPath, last.Call, last.End, new(half.ToString())));
        }
    }

    private sealed class Piece(string stepPath, int call, int offset, StringBuilder text)
    {
        public string StepPath { get; } = stepPath;

        public int Call { get; } = call;

        public int Offset { get; } = offset;

        public StringBuilder Text { get; } = text;

        public int End => Offset + Text.Length;

        public bool Taken { get; set; }
    }
}
