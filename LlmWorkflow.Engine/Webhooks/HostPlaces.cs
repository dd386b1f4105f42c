namespace LlmWorkflow.Engine.Webhooks;

/// <summary>One attempt of one delivery.</summary>
internal readonly record struct AttemptKey(Guid DeliveryId, int Attempt);

/// <summary>
/// Who may be sent to now: places in all, places per host, and what failing hosts lose. Thread-safe. Hosts are told apart by host and port.
/// </summary>
internal sealed class HostPlaces(WebhookLimits limits, TimeProvider time)
{
    private readonly Lock gate = new();
    private readonly Dictionary<AttemptKey, (string Host, long Since)> running = [];
    private readonly Dictionary<string, (int InARow, long Last)> failures = new(StringComparer.Ordinal);

    /// <summary>Places that are free now; slow attempts do not count until there are very many.</summary>
    public int Free()
    {
        lock (gate)
        {
            var fresh = running.Values.Count(r => time.GetElapsedTime(r.Since) < limits.SlowAfter);
            return Math.Max(0, Math.Min(limits.Places - fresh, limits.InFlight - running.Count));
        }
    }

    /// <summary>Free places of the hosts that have fewer than usual.</summary>
    public Dictionary<string, int> FreeByHost()
    {
        lock (gate)
        {
            var free = new Dictionary<string, int>(StringComparer.Ordinal);
            foreach (var (host, failure) in failures)
            {
                if (failure.InARow >= limits.FailingAfter)
                {
                    free[host] = time.GetElapsedTime(failure.Last) < limits.FailingPause ? 0 : 1;
                }
            }

            foreach (var (host, _) in running.Values)
            {
                free[host] = Math.Max(0, free.GetValueOrDefault(host, limits.PerHost) - 1);
            }

            return free;
        }
    }

    /// <summary>Takes a place.</summary>
    public void Enter(AttemptKey key, string host)
    {
        lock (gate)
        {
            running[key] = (host, time.GetTimestamp());
        }
    }

    /// <summary>Frees a place.</summary>
    /// <param name="key">Who had it.</param>
    /// <param name="succeeded">Whether the host answered as wanted; null: nobody knows.</param>
    public void Leave(AttemptKey key, bool? succeeded)
    {
        lock (gate)
        {
            if (running.Remove(key, out var attempt) && succeeded is { } known)
            {
                Judge(attempt.Host, known);
            }
        }
    }

    private void Judge(string host, bool succeeded)
    {
        if (succeeded)
        {
            failures.Remove(host);
            return;
        }

        if (!failures.TryGetValue(host, out var failure) && failures.Count >= limits.FailingHosts)
        {
            failures.Remove(failures.MinBy(f => f.Value.Last).Key);
        }

        failures[host] = (failure.InARow + 1, time.GetTimestamp());
    }
}
