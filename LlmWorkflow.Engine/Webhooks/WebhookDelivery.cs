using System.Collections.Concurrent;
using System.Diagnostics;
using LlmWorkflow.Engine.ExternalServices;
using LlmWorkflow.Engine.Storage;
using Microsoft.Extensions.Logging;

namespace LlmWorkflow.Engine.Webhooks;

/// <summary>
/// Sends webhooks that are due, at least once each and in order per job. Safe on every worker at once: Postgres decides who makes an attempt.
/// One loop drives an instance: <see cref="RunOnceAsync"/> while it finds work, else <see cref="WaitAsync"/>; at the end <see cref="StopAsync"/>.
/// </summary>
public sealed class WebhookDelivery : IAsyncDisposable
{
    private readonly WebhookStore store;
    private readonly WebhookSender sender;
    private readonly EngineOptions options;
    private readonly WebhookLimits limits;
    private readonly HostPlaces places;
    private readonly TimeProvider time;
    private readonly ILogger<WebhookDelivery> logger;
    private readonly ConcurrentDictionary<AttemptKey, Task> inFlight = new();
    private readonly CancellationTokenSource leaving = new();
    private readonly SemaphoreSlim wake = new(0, 1);
    private int disposed;

    internal WebhookDelivery(
        WebhookStore store, SecretBox secrets, DestinationGuard guard, EngineOptions options, TimeProvider time, ILogger<WebhookDelivery> logger,
        WebhookLimits? limits = null)
    {
        this.store = store;
        this.options = options;
        this.time = time;
        this.logger = logger;
        this.limits = limits ?? new();
        sender = new WebhookSender(options, secrets, guard, time);
        places = new HostPlaces(this.limits, time);
    }

    /// <summary>
    /// Claims what is due, as far as there are free places, and starts sending it without waiting for answers. True: something was claimed, so
    /// call again at once. Throws when the database is away; nothing is lost by that.
    /// </summary>
    public async Task<bool> RunOnceAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var free = places.Free();
        if (free == 0 || leaving.IsCancellationRequested)
        {
            return false;
        }

        var hold = options.WebhookTimeout + limits.HoldMargin;
        var claimed = await store.ClaimAsync(new(free, limits.PerHost, places.FreeByHost(), hold));
        foreach (var delivery in claimed)
        {
            var key = new AttemptKey(delivery.Id, delivery.Attempt);
            places.Enter(key, delivery.Host);
            // On the pool, so that decrypting and connecting do not delay the claim of others.
            var attempt = Task.Run(() => AttemptAsync(key, delivery), CancellationToken.None);
            inFlight[key] = attempt;
            _ = attempt.ContinueWith(_ => inFlight.TryRemove(key, out Task? _), TaskScheduler.Default);
        }

        return claimed.Count > 0;
    }

    /// <summary>Wakes <see cref="WaitAsync"/>: this process has just recorded a delivery.</summary>
    public void Signal()
    {
        try
        {
            wake.Release();
        }
        catch (SemaphoreFullException)
        {
            // It is awake already.
        }
    }

    /// <summary>Waits for <see cref="Signal"/>, for an attempt to end (which frees a place, or lets the job's next delivery go), or for the time given.</summary>
    public async Task WaitAsync(TimeSpan atMost, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(atMost, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            await wake.WaitAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
        }
    }

    /// <summary>
    /// Lets running attempts end until <paramref name="grace"/> is cancelled, then breaks them off and hands them back uncounted, so that another
    /// worker sends them at once. Call it after the loop has ended.
    /// </summary>
    public async Task StopAsync(CancellationToken grace)
    {
        try
        {
            await Task.WhenAll(inFlight.Values).WaitAsync(grace);
        }
        catch (OperationCanceledException) when (grace.IsCancellationRequested)
        {
        }

        await leaving.CancelAsync();
        await Task.WhenAll(inFlight.Values);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref disposed, 1) == 0)
        {
            await StopAsync(new CancellationToken(canceled: true));
            sender.Dispose();
            leaving.Dispose();
            wake.Dispose();
        }
    }

    private async Task AttemptAsync(AttemptKey key, ClaimedDelivery delivery)
    {
        bool? succeeded = null;
        try
        {
            succeeded = await SendAndRecordAsync(delivery);
        }
        catch (OperationCanceledException) when (leaving.IsCancellationRequested)
        {
            await HandBackAsync(delivery);
        }
        catch (Exception e)
        {
            // The catch-all of this loop: one bad row must not end the others. The row comes due again when its claim runs out.
            WebhookLog.Faulted(logger, delivery.Id, delivery.Attempt, e);
        }
        finally
        {
            places.Leave(key, succeeded);
            Signal();
        }
    }

    private async Task<bool> SendAndRecordAsync(ClaimedDelivery delivery)
    {
        using var activity = WebhookTelemetry.Start(delivery);
        var started = time.GetTimestamp();
        var reply = await sender.SendAsync(delivery, leaving.Token);
        var (state, retryIn) = WebhookRetry.Decide(reply, delivery.Attempt, options.WebhookRetryDelays);
        var result = new AttemptResult
        {
            Duration = time.GetElapsedTime(started),
            StatusCode = reply.StatusCode,
            ResponseBody = reply.Body,
            Error = reply.Error,
            State = state,
            RetryIn = retryIn,
        };
        var recorded = await RecordAsync(delivery, result, started);
        WebhookTelemetry.Stop(activity, delivery, result, recorded);
        if (recorded)
        {
            Tell(delivery, result);
        }

        // A 410 is an answer: it does not make the host a failing one.
        return state is DeliveryState.Delivered or DeliveryState.Stopped;
    }

    // A result that is not written means that the receiver gets the webhook twice, so it is tried for as long as the claim holds.
    // Not to be cancelled: the answer is in.
    private async Task<bool> RecordAsync(ClaimedDelivery delivery, AttemptResult result, long started)
    {
        while (true)
        {
            try
            {
                var recorded = await store.RecordAsync(delivery, result, CancellationToken.None);
                if (!recorded)
                {
                    WebhookLog.Lost(logger, delivery.Id, delivery.Attempt);
                }

                return recorded;
            }
            catch (Exception e)
            {
                var ended = time.GetElapsedTime(started) > options.WebhookTimeout + limits.HoldMargin;
                if (ended || !Database.IsTransient(e) || leaving.IsCancellationRequested)
                {
                    WebhookLog.NotRecorded(logger, delivery.Id, delivery.Attempt, e);
                    return false;
                }
            }

            await Task.Delay(limits.RecordRetry, time, CancellationToken.None);
        }
    }

    private async Task HandBackAsync(ClaimedDelivery delivery)
    {
        try
        {
            await store.ReleaseAsync(delivery, CancellationToken.None);
            WebhookLog.HandedBack(logger, delivery.Id, delivery.Attempt);
        }
        catch (Exception e)
        {
            // Nobody is left to tell but the log; the row comes due when its claim runs out.
            WebhookLog.NotRecorded(logger, delivery.Id, delivery.Attempt, e);
        }
    }

    private void Tell(ClaimedDelivery delivery, AttemptResult result)
    {
        switch (result.State)
        {
            case DeliveryState.Delivered:
                var duration = (long)result.Duration.TotalMilliseconds;
                WebhookLog.Delivered(logger, delivery.Event, delivery.JobId, delivery.Host, result.StatusCode, delivery.Attempt, duration);
                break;
            case DeliveryState.Pending:
                var delay = result.RetryIn.GetValueOrDefault().TotalSeconds;
                WebhookLog.Retried(logger, delivery.Event, delivery.JobId, delivery.Host, delivery.Attempt, result.Error, delay);
                break;
            case DeliveryState.Dead:
                WebhookLog.Dead(logger, delivery.Event, delivery.JobId, delivery.Host, delivery.Attempt, result.Error, delivery.Id);
                break;
            case DeliveryState.Stopped:
                WebhookLog.Stopped(logger, delivery.Event, delivery.JobId, delivery.Host);
                break;
            default:
                throw new UnreachableException();
        }
    }
}
