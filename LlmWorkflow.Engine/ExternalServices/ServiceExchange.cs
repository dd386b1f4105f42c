using System.Collections.Concurrent;
using System.Diagnostics;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.ExternalServices.Pacing;
using Microsoft.Extensions.Logging;
using Tags = LlmWorkflow.Engine.Diagnostics.EngineTelemetry.Tags;

namespace LlmWorkflow.Engine.ExternalServices;

/// <summary>
/// Asks a service, by the one resilience policy of its file: retries, around the circuit breaker, around a turn in its pace, around a time limit. The breaker's look
/// comes before the turn and counts only what was sent, so that no turn is lost to an open circuit, and a call without a turn says nothing about the service.
/// </summary>
/// <param name="sender">Makes one attempt.</param>
/// <param name="bucket">Gives turns.</param>
/// <param name="check">Says which replies are failures.</param>
/// <param name="random">Spreads delays. Safe for several threads.</param>
/// <param name="time">Clock of all of it.</param>
/// <param name="logger">Is told of circuit breakers.</param>
internal sealed class ServiceExchange(
    ServiceSender sender, TokenBucket bucket, ReplyCheck check, Random random, TimeProvider time, ILogger<ServiceExchange> logger)
{
    // A 429 that does not say for how long.
    private static readonly TimeSpan s_shortPause = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, ServiceRetries> _retries = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, ServiceCircuit> _circuits = new(StringComparer.Ordinal);

    /// <summary>Asks until there is a usable reply or an error that stands. Exactly one of the two is set.</summary>
    /// <param name="service">The service's file.</param>
    /// <param name="operation">Name of the operation.</param>
    /// <param name="request">What to send.</param>
    /// <param name="deadline">Nothing that comes later is waited for.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>Status: of the last reply; 0 when there was none.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async Task<(ServiceReply? Reply, WorkflowError? Error, int Status)> AskAsync(
        ServiceDefinition service, string operation, ServiceRequest request, DateTimeOffset? deadline, CancellationToken cancellationToken)
    {
        var retries = _retries.AddOrUpdate(service.Name, _ => new(service.Retry, random.NextDouble, time), (_, old) => old.Policy == service.Retry ? old : new(service.Retry, random.NextDouble, time));
        var circuit = _circuits.AddOrUpdate(
            service.Name,
            _ => new(service.Name, service.CircuitBreaker, time, logger),
            (_, old) => old.Policy == service.CircuitBreaker ? old : new(service.Name, service.CircuitBreaker, time, logger));
        BucketKey key = new(service.Name, request.Credential);
        var end = await retries.RunAsync(
            async (number, stop) => circuit.Refusal() ?? await TurnAsync(service, key, deadline, stop)
                ?? await circuit.RunAsync(sending => AttemptAsync(service, operation, request, key, number, sending), stop),
            service.Operations[operation].Idempotent ?? request.Method.Method is not ("POST" or "PATCH"), deadline, cancellationToken);
        return (end.Reply, end.Error, end.Status);
    }

    private async ValueTask<ServiceAttempt?> TurnAsync(ServiceDefinition service, BucketKey key, DateTimeOffset? deadline, CancellationToken cancellationToken) =>
        await bucket.TakeAsync(key, service.RateLimit, deadline, cancellationToken) is { } late ? new() { Error = late, IsUnprocessed = true } : null;

    private async ValueTask<ServiceAttempt> AttemptAsync(
        ServiceDefinition service, string operation, ServiceRequest request, BucketKey key, int number, CancellationToken cancellationToken)
    {
        using var span = EngineTelemetry.Source.StartActivity("attempt", ActivityKind.Internal);
        span?.SetTag(Tags.Service, service.Name).SetTag(Tags.ServiceOperation, operation).SetTag(Tags.Attempt, number);
        var attempt = await sender.SendAsync(service, operation, request, cancellationToken);
        if (attempt.Reply is { } reply && check(service.Operations[operation], reply, request.Key) is { } failure)
        {
            attempt = attempt with
            {
                Reply = null,
                Error = failure.Retryable && failure.RetryAfter is null ? failure with { RetryAfter = reply.RetryAfter } : failure,
                IsUnprocessed = reply.Status == 429 || failure.Type == ErrorTypes.RateLimited,
            };
        }

        span?.SetTag(Tags.HttpStatus, attempt.Status == 0 ? null : attempt.Status);
        if (attempt.Error is { } error)
        {
            span?.SetTag(Tags.ErrorType, error.Type).SetStatus(ActivityStatusCode.Error, error.Type);
            await PauseAsync(key, attempt, error);
        }

        return attempt;
    }

    private Task PauseAsync(BucketKey key, ServiceAttempt attempt, WorkflowError error)
    {
        var asked = error.RetryAfter ?? attempt.RetryAfter;
        return error.Type == ErrorTypes.RateLimited ? bucket.PauseAsync(key, asked is { } limited ? Seconds(limited) : s_shortPause)
            : attempt.Status == 503 && asked is { } busy ? bucket.PauseAsync(key, Seconds(busy))
            : Task.CompletedTask;
    }

    // As long as it is allowed to be: the bucket cuts it.
    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(Math.Min(seconds, 86_400));
}
