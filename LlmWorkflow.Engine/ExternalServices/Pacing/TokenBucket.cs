using LlmWorkflow.Engine.Diagnostics;
using Microsoft.Extensions.Logging;
using Tags = LlmWorkflow.Engine.Diagnostics.EngineTelemetry.Tags;

namespace LlmWorkflow.Engine.ExternalServices.Pacing;

/// <summary>Paces the calls of each service and key: who comes takes a place and waits for its turn, first come first served.</summary>
/// <param name="store">The fleet's buckets, or this process's.</param>
/// <param name="time">Clock of the waits.</param>
/// <param name="logger">Is told of pauses.</param>
internal sealed class TokenBucket(IBucketStore store, TimeProvider time, ILogger<TokenBucket> logger)
{
    // Who waits looks again so often: a pause, a place given back or another pace may have moved its turn.
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(5);

    /// <summary>Waits for a turn.</summary>
    /// <param name="key">What is paced together.</param>
    /// <param name="limit">From the service's file; null: only pauses count.</param>
    /// <param name="deadline">A turn that comes later is not waited for; null: any is.</param>
    /// <param name="cancellationToken">Gives the place back.</param>
    /// <returns>Null: it is the caller's turn. Else <see cref="ErrorTypes.RateLimited"/> with the seconds until the turn.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async Task<WorkflowError?> TakeAsync(BucketKey key, ServiceRateLimit? limit, DateTimeOffset? deadline, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        var pace = limit is null ? null : BucketPace.Of(limit);
        var hasWaited = false;
        BucketPlace? held = null;
        try
        {
            while (true)
            {
                // Not cancelled itself: whether a place was taken must be known, so that it can be given back.
                var answer = await store.AskAsync(new(key, pace, held, deadline - time.GetUtcNow()));
                held = answer.Place;
                cancellationToken.ThrowIfCancellationRequested();
                if (answer.IsRefused)
                {
                    return ServiceErrors.TurnTooLate(key.Service, answer.Wait);
                }

                if (answer.Wait <= TimeSpan.Zero)
                {
                    held = null;
                    return null;
                }

                hasWaited = true;
                await Task.Delay(answer.Wait < s_look ? answer.Wait : s_look, time, cancellationToken);
            }
        }
        finally
        {
            if (held is not null)
            {
                await store.GiveBackAsync(key, held);
            }

            if (hasWaited)
            {
                EngineTelemetry.ServiceTurnWait.Record(time.GetElapsedTime(started).TotalSeconds, [new(Tags.Service, key.Service)]);
            }
        }
    }

    /// <summary>Stops all calls for a while, also those that wait; after it they go on in the service's pace, without a burst.</summary>
    /// <param name="key">What is paced together.</param>
    /// <param name="pause">At most 15 min are kept.</param>
    public async Task PauseAsync(BucketKey key, TimeSpan pause)
    {
        var most = TimeSpan.FromMilliseconds(BucketState.LongestPauseMs);
        pause = pause < most ? pause : most;
        var first = pause > TimeSpan.Zero && await store.PauseAsync(key, pause);
        if (first)
        {
            EngineTelemetry.ServicePauses.Add(1, [new(Tags.Service, key.Service)]);
            PacingLog.Paused(logger, key.Service, pause.TotalSeconds);
        }
    }
}
