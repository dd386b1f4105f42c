namespace LlmWorkflow.Simulator.Control;

/// <summary>Lets through a number of calls in any 60 s. Refused calls do not count. Not thread-safe.</summary>
internal sealed class SlidingWindow(TimeProvider time)
{
    private static readonly TimeSpan Length = TimeSpan.FromMinutes(1);
    private readonly Queue<long> entered = new();

    /// <summary>Null when the call is let through, else the time until one would be.</summary>
    public TimeSpan? TryEnter(int limit)
    {
        while (entered.TryPeek(out var oldest) && time.GetElapsedTime(oldest) >= Length)
        {
            entered.Dequeue();
        }

        if (entered.Count < limit)
        {
            entered.Enqueue(time.GetTimestamp());
            return null;
        }

        return entered.TryPeek(out var first) ? Length - time.GetElapsedTime(first) : Length;
    }
}
