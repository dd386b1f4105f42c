using System.Diagnostics.Metrics;

namespace LlmWorkflow.Engine.Diagnostics;

/// <summary>Queued jobs of one priority and the age of the oldest, as last read.</summary>
internal sealed record QueueLevel(short Priority, long Jobs, double OldestSeconds)
{
    private const short HighestPriority = 10;

    /// <summary>A measurement for each priority, zero for the empty ones: an alert needs to see that a queue has drained. None while it is not known.</summary>
    public static IEnumerable<Measurement<T>> Measure<T>(IReadOnlyList<QueueLevel>? levels, Func<QueueLevel, T> value)
        where T : struct
    {
        for (short priority = 0; levels is not null && priority <= HighestPriority; priority++)
        {
            var level = levels.FirstOrDefault(l => l.Priority == priority) ?? new(priority, 0, 0);
            yield return new(value(level), new KeyValuePair<string, object?>(EngineTelemetry.Tags.Priority, (int)priority));
        }
    }
}
