using System.Diagnostics;
using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.ExternalServices.Caching;
using Tags = LlmWorkflow.Engine.Diagnostics.EngineTelemetry.Tags;

namespace LlmWorkflow.Engine.ExternalServices;

/// <summary>
/// Answers what steps ask of external services: checks the parameters, looks for a kept reply, and else makes the requests.
/// </summary>
/// <param name="catalog">The services' files.</param>
/// <param name="cache">Kept replies.</param>
/// <param name="pages">Makes the requests.</param>
/// <param name="options">Keys, and how long replies are kept by default.</param>
/// <param name="time">Clock of what is measured.</param>
internal sealed class ServiceCaller(ServiceCatalog catalog, ResponseCache cache, ServicePages pages, EngineOptions options, TimeProvider time)
{
    /// <summary>Answers the call. Failures are outcomes.</summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async Task<ServiceOutcome> CallAsync(ServiceCall call, CancellationToken cancellationToken)
    {
        ServiceDefinition service;
        JsonElement parameters;
        ReplyKey key;
        try
        {
            service = catalog.Get(call.Service);
            var operation = ServiceCatalog.GetOperation(service, call.Operation);
            parameters = ServiceParameters.Check(call.Service, call.Operation, operation, call.Parameters);
            // Built before anything is looked up: what cannot be sent, for want of a key or for a bad value, fails at once and always.
            var request = ServiceRequest.Build(service, call.Operation, parameters, operation.Pagination is null ? null : ServicePage.First, options.Variable);
            key = ReplyKey.Of(call.Service, call.Operation, operation.Hash, request.BaseUrl, parameters.GetRawText());
        }
        catch (WorkflowException exception)
        {
            return new ServiceOutcome { Error = exception.Error };
        }

        using var span = EngineTelemetry.Source.StartActivity($"{call.Service}.{call.Operation}", ActivityKind.Client);
        span?.SetTag(Tags.Service, call.Service).SetTag(Tags.ServiceOperation, call.Operation).SetTag(Tags.ReplyKey, key.Text);
        var started = time.GetTimestamp();
        var outcome = await cache.GetOrCallAsync(
            key, Policy(service, call),
            stop => pages.AskAsync(service, call.Operation, parameters, options.Variable, call.Deadline, stop),
            cancellationToken);
        if (outcome.Error is { } error)
        {
            outcome = outcome with { Error = error with { Details = Details(error, call, parameters) } };
            span?.SetStatus(ActivityStatusCode.Error, error.Type);
        }

        Tell(call, outcome, span, time.GetElapsedTime(started));
        return outcome;
    }

    private CachePolicy Policy(ServiceDefinition service, ServiceCall call)
    {
        var operation = service.Operations[call.Operation];
        var ttl = !operation.CanBeKept ? TimeSpan.Zero
            : call.CacheTtl ?? (operation.CacheTtlSeconds ?? (operation.IsRead ? service.CacheTtlSeconds : 0)) switch
            {
                { } seconds => TimeSpan.FromSeconds(seconds),
                null => options.CacheDefaultTtl,
            };
        return new(ttl, TimeSpan.FromSeconds(operation.StaleIfErrorSeconds ?? service.StaleIfErrorSeconds ?? 0));
    }

    private static ErrorDetails Details(WorkflowError error, ServiceCall call, JsonElement parameters) =>
        (error.Details ?? new ErrorDetails()) with { Service = call.Service, Operation = call.Operation, Inputs = Redactor.Json(parameters) };

    private static void Tell(ServiceCall call, ServiceOutcome outcome, Activity? span, TimeSpan duration)
    {
        TagList tags = [new(Tags.Service, call.Service), new(Tags.ServiceOperation, call.Operation), new(Tags.Cached, outcome.Cached)];
        if (outcome.Error is { } failure)
        {
            tags.Add(Tags.ErrorType, failure.Type);
        }

        span?.SetTag(Tags.HttpStatus, outcome.StatusCode == 0 ? null : outcome.StatusCode).SetTag(Tags.Cached, outcome.Cached).SetTag(Tags.ErrorType, outcome.Error?.Type);
        EngineTelemetry.ServiceDuration.Record(duration.TotalSeconds, tags);
    }
}
