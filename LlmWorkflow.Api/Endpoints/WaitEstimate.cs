using LlmWorkflow.Engine.Storage;

namespace LlmWorkflow.Api.Endpoints;

/// <summary>
/// How long a job that is queued now will wait. Kept for two seconds and renewed in the background: a submit never waits for it.
/// </summary>
internal sealed partial class WaitEstimate(JobQueries queries, TimeProvider time, ILogger<WaitEstimate> logger)
{
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private sealed record Reading(double? Seconds, long At);

    private volatile Reading? _last;
    private int _reading;

    /// <summary>Seconds; null while it cannot be told: nothing known yet, no workers, or no job completed of late.</summary>
    public double? Seconds
    {
        get
        {
            var last = _last;
            if ((last is null || time.GetElapsedTime(last.At) > Fresh) && Interlocked.Exchange(ref _reading, 1) == 0)
            {
                // It serves many requests, so it is part of no request's trace.
                using (ExecutionContext.SuppressFlow())
                {
                    _ = Task.Run(ReadAsync);
                }
            }

            return last?.Seconds;
        }
    }

    internal static double? Of(QueueLoad load)
    {
        var ahead = load.Running + load.Queued - load.Capacity;
        return load.Capacity == 0 ? null
            : ahead < 0 ? 0
            : load.PerSecond is { } rate ? Math.Round((ahead + 1) / rate, 1)
            : null;
    }

    private async Task ReadAsync()
    {
        try
        {
            using var limit = new CancellationTokenSource(Patience, time);
            _last = new(Of(await queries.LoadAsync(limit.Token)), time.GetTimestamp());
        }
        catch (Exception e)
        {
            // An estimate is not worth an error: it is simply not known.
            LogUnknown(e.Message);
            _last = new(null, time.GetTimestamp());
        }
        finally
        {
            Volatile.Write(ref _reading, 0);
        }
    }

    [LoggerMessage(3101, LogLevel.Debug, "The waiting time is not known: {Reason}")]
    private partial void LogUnknown(string reason);
}
