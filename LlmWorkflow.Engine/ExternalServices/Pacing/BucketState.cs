namespace LlmWorkflow.Engine.ExternalServices.Pacing;

/// <summary>
/// A bucket in memory: what <see cref="RedisBucketStore"/>'s script does, step by step. Tokens are counted from the bucket's beginning: it has made some and given
/// tickets for some, and a ticket's turn comes when as many are made. So a pause, in which none are made, and another pace move all that wait alike, in order.
/// Times are milliseconds. Not for several threads at once.
/// </summary>
internal sealed class BucketState
{
    /// <summary>Longest pause.</summary>
    public const double LongestPauseMs = 15 * 60_000;

    // Timers may be early by less than a tick.
    private const double Tolerance = 1;

    // Tickets given back, also those whose turn has passed.
    private readonly SortedSet<long> _free = [];
    private readonly string _id;
    private double _capacity;
    private double _perMs;
    private double _at;
    private double _made;
    private long _taken;
    private double _pausedUntil;

    /// <param name="id">Unlike that of any other bucket.</param>
    /// <param name="now">Time.</param>
    /// <param name="pace">Its pace at first; null: none yet.</param>
    /// <param name="isFull">Nobody has used it for a while.</param>
    /// <param name="pausedUntil">End of a pause that is known.</param>
    public BucketState(string id, double now, BucketPace? pace, bool isFull, double pausedUntil)
    {
        _id = id;
        _at = now;
        _capacity = pace?.Capacity ?? 0;
        _perMs = pace?.PerMs ?? 0;
        _made = isFull ? _capacity : 0;
        _pausedUntil = pausedUntil;
    }

    /// <inheritdoc cref="IBucketStore.AskAsync"/>
    public BucketAnswer Ask(double now, BucketPace? pace, BucketPlace? held, double? most)
    {
        var rest = Math.Max(0, _pausedUntil - now);
        if (pace is null)
        {
            return new(null, Milliseconds(rest), rest > most);
        }

        Advance(now);
        var known = held?.Bucket == _id ? held : null;
        if (known is null)
        {
            (_capacity, _perMs) = (pace.Capacity, pace.PerMs);
            _made = Math.Min(_made, _taken + _capacity);
        }

        TakeUp();
        var ticket = known?.Ticket ?? (_free.Count > 0 ? _free.Min : _taken + 1);
        var wait = rest + (Math.Max(0, ticket - _made) / _perMs);
        wait = wait < Tolerance ? 0 : wait;
        if (wait > most)
        {
            return new(known, Milliseconds(wait), true);
        }

        if (known is null && !_free.Remove(ticket))
        {
            _taken = ticket;
        }

        return new(known ?? new(_id, ticket), Milliseconds(wait), false);
    }

    /// <inheritdoc cref="IBucketStore.GiveBackAsync"/>
    public void GiveBack(BucketPlace place)
    {
        if (place.Bucket == _id)
        {
            _free.Add(place.Ticket);
        }
    }

    /// <inheritdoc cref="IBucketStore.PauseAsync"/>
    public bool Pause(double now, double pause)
    {
        Advance(now);
        var first = _pausedUntil <= now;
        _made = Math.Min(_made, _taken);
        _free.RemoveWhere(ticket => ticket <= _made);
        _pausedUntil = Math.Max(_pausedUntil, now + Math.Min(pause, LongestPauseMs));
        return first;
    }

    private void Advance(double now)
    {
        _made = Math.Min(_made + (Math.Max(0, now - Math.Max(_at, _pausedUntil)) * _perMs), _taken + _capacity);
        _at = now;
    }

    // Tickets that nobody came for until their turn are tokens that were saved: with what is made of the next one, no more than the bucket holds.
    private void TakeUp()
    {
        if (_free.Count > 0 && _made >= _taken)
        {
            _made = Math.Min(_made + _free.Count, _taken + _capacity);
            _free.Clear();
        }

        for (var spare = _free.Count(ticket => ticket <= _made) - (int)(_capacity - (_made % 1)); spare > 0; spare--)
        {
            _free.Remove(_free.Min);
        }
    }

    private static TimeSpan Milliseconds(double milliseconds) => TimeSpan.FromTicks((long)(milliseconds * TimeSpan.TicksPerMillisecond));
}
