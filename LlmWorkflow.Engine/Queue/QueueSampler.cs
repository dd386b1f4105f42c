using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Storage;

namespace LlmWorkflow.Engine.Queue;

/// <summary>Reads how full the queue is, for the gauges of this process. Every worker reports the same figures: show their maximum, not their sum.</summary>
public sealed class QueueSampler(QueueStore store)
{
    /// <summary>Time between looks; exports in between repeat the last one.</summary>
    public static readonly TimeSpan Every = TimeSpan.FromSeconds(10);

    /// <summary>Looks once, if anybody collects the gauges.</summary>
    public async Task<bool> RunOnceAsync(CancellationToken cancellationToken)
    {
        if (!EngineTelemetry.QueueDepth.Enabled && !EngineTelemetry.QueueAge.Enabled)
        {
            return false;
        }

        try
        {
            EngineTelemetry.Queue = [.. (await store.DepthAsync(cancellationToken)).Select(level => new QueueLevel(level.Priority, level.Jobs, level.OldestSeconds))];
        }
        catch
        {
            // Old figures would look like a queue that stands still.
            EngineTelemetry.Queue = null;
            throw;
        }

        return false;
    }
}
