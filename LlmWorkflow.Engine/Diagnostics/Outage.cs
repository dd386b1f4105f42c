using StackExchange.Redis;

namespace LlmWorkflow.Engine.Diagnostics;

/// <summary>Whether a store answers. While it does not, it is tried once a second; going and coming back are told once each.</summary>
/// <param name="time">Clock of the trials.</param>
/// <param name="away">Told why.</param>
/// <param name="back">Told that it answers again.</param>
internal sealed class Outage(TimeProvider time, Action<string> away, Action back)
{
    private static readonly TimeSpan s_trial = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private bool _isAway;
    private long _tried;

    /// <summary>Whether a call of Redis failed because Redis does not answer. The client library also cancels calls that it cannot write in time.</summary>
    public static bool IsOfRedis(Exception exception) => exception is RedisException or TimeoutException or ObjectDisposedException or TaskCanceledException;

    /// <summary>Whether to ask it now.</summary>
    public bool IsTried()
    {
        lock (_lock)
        {
            if (_isAway && time.GetElapsedTime(_tried) < s_trial)
            {
                return false;
            }

            _tried = time.GetTimestamp();
            return true;
        }
    }

    /// <summary>It answered.</summary>
    public void Answered()
    {
        if (!Volatile.Read(ref _isAway))
        {
            return;
        }

        lock (_lock)
        {
            if (!_isAway)
            {
                return;
            }

            _isAway = false;
        }

        back();
    }

    /// <summary>It did not answer.</summary>
    public void Failed(Exception exception)
    {
        lock (_lock)
        {
            _tried = time.GetTimestamp();
            if (_isAway)
            {
                return;
            }

            _isAway = true;
        }

        away(exception is OperationCanceledException or TimeoutException ? "no answer in time" : exception.Message.TrimEnd('.'));
    }
}
