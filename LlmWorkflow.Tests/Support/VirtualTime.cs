namespace LlmWorkflow.Tests.Support;

/// <summary>A clock whose timers fire when it is moved past them, in order.</summary>
internal sealed class VirtualTime : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly List<VirtualTimer> _timers = [];
    private DateTimeOffset _now = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => GetUtcNow().Ticks;

    public override DateTimeOffset GetUtcNow()
    {
        lock (_lock)
        {
            return _now;
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        VirtualTimer timer = new(this, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Waits, in real time, until so many timers are set.</summary>
    public Task WaitForTimersAsync(int count) => WaitAsync(() => _timers.Count >= count);

    /// <summary>Waits, in real time, until a timer is set that is due within a time: one of a wait, not of a time limit beside it.</summary>
    public Task WaitForTimerAsync(TimeSpan within) => WaitAsync(() => _timers.Exists(timer => timer.Due <= _now + within));

    public void Advance(TimeSpan by)
    {
        var end = GetUtcNow() + by;
        while (Next(end) is { } timer)
        {
            timer.Fire();
        }

        lock (_lock)
        {
            _now = end;
        }
    }

    private async Task WaitAsync(Func<bool> isSet)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!IsSet())
        {
            await Task.Delay(TimeSpan.FromMilliseconds(1), System, limit.Token);
        }

        bool IsSet()
        {
            lock (_lock)
            {
                return isSet();
            }
        }
    }

    private VirtualTimer? Next(DateTimeOffset end)
    {
        lock (_lock)
        {
            var next = _timers.Where(timer => timer.Due <= end).MinBy(timer => timer.Due);
            if (next is not null)
            {
                _now = next.Due;
                _timers.Remove(next);
            }

            return next;
        }
    }

    private sealed class VirtualTimer(VirtualTime time, Action fire) : ITimer
    {
        public DateTimeOffset Due { get; private set; }

        public void Fire() => fire();

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (time._lock)
            {
                time._timers.Remove(this);
                if (dueTime >= TimeSpan.Zero)
                {
                    Due = time._now + dueTime;
                    time._timers.Add(this);
                }
            }

            return true;
        }

        public void Dispose() => Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
