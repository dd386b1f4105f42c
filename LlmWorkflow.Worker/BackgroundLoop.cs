using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Worker;

/// <summary>The one loop primitive: runs a body again and again, with jitter on the interval and growing delays after failures.</summary>
internal sealed class BackgroundLoop(string name, TimeSpan every, Func<CancellationToken, Task<bool>> runOnce, TimeProvider time, Random random, ILogger logger)
{
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(5);

    /// <summary>Runs until <paramref name="cancellationToken"/>. A body that found work is called again at once.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var failures = 0;
        while (!cancellationToken.IsCancellationRequested)
        {
            var delay = every * (0.75 + (random.NextDouble() / 2));
            try
            {
                if (await runOnce(cancellationToken))
                {
                    failures = 0;
                    continue;
                }

                failures = 0;
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // The loop must outlive whatever its body meets: a database that restarts, a Redis that is flushed.
                failures = Math.Min(failures + 1, 10);
                var backoff = TimeSpan.FromMilliseconds(100 * Math.Pow(2, failures));
                delay = backoff < LongestDelay ? backoff : LongestDelay;
                Report(e, delay);
            }

            try
            {
                await Task.Delay(delay, time, cancellationToken);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private void Report(Exception exception, TimeSpan delay)
    {
        if (Engine.Storage.Database.IsTransient(exception))
        {
            WorkerLog.LoopWaits(logger, name, exception.Message, delay.TotalSeconds);
        }
        else
        {
            WorkerLog.LoopFailed(logger, name, delay.TotalSeconds, exception);
        }
    }
}
