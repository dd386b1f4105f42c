using System.Diagnostics;
using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using Tags = LlmWorkflow.Engine.Diagnostics.EngineTelemetry.Tags;

namespace LlmWorkflow.Engine.ExternalServices;

/// <summary>How a service call ended: data or an error.</summary>
internal sealed record ServiceOutcome
{
    /// <summary>The reply, mapped as the service's file says; Undefined when it failed.</summary>
    public JsonElement Data { get; init; }

    /// <summary>HTTP status; 0 when there was no reply.</summary>
    public int StatusCode { get; init; }

    /// <summary>No request was made: the reply was known.</summary>
    public bool Cached { get; init; }

    /// <summary>The reply has expired and stands in for a call that failed; <see cref="Cached"/> too.</summary>
    public bool Stale { get; init; }

    /// <summary>Null when it did not fail.</summary>
    public WorkflowError? Error { get; init; }
}

/// <summary>Calls an operation of an external service, once.</summary>
internal sealed class ServiceCaller(ServiceCatalog catalog, IHttpClientFactory clients, EngineOptions options, TimeProvider time)
{
    /// <summary>Largest reply that is read, in bytes.</summary>
    public const int ReplyLimit = 2 * 1024 * 1024;

    /// <summary>Makes the call. Failures are outcomes.</summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async Task<ServiceOutcome> CallAsync(ServiceCall call, CancellationToken cancellationToken)
    {
        var (service, operation) = (call.Service, call.Operation);
        ServiceDefinition definition;
        JsonElement known;
        try
        {
            definition = catalog.Get(service);
            known = ServiceParameters.Check(service, operation, ServiceCatalog.GetOperation(definition, operation), call.Parameters);
        }
        catch (WorkflowException exception)
        {
            return new ServiceOutcome { Error = exception.Error };
        }

        using var span = EngineTelemetry.Source.StartActivity($"{service}.{operation}", ActivityKind.Client);
        span?.SetTag(Tags.Service, service).SetTag(Tags.ServiceOperation, operation);
        var started = time.GetTimestamp();
        var outcome = await new ServicePages(SendAsync).AskAsync(definition, operation, known, options.Variable, call.Deadline, cancellationToken);
        if (outcome.Error is { } error)
        {
            outcome = outcome with
            {
                Error = error with { Details = (error.Details ?? new ErrorDetails()) with { Service = service, Operation = operation, Inputs = Redactor.Json(known) } },
            };
            span?.SetTag(Tags.ErrorType, error.Type).SetStatus(ActivityStatusCode.Error, error.Type);
        }

        span?.SetTag(Tags.HttpStatus, outcome.StatusCode == 0 ? null : outcome.StatusCode);
        TagList tags = [new(Tags.Service, service), new(Tags.ServiceOperation, operation)];
        if (outcome.Error is { } failure)
        {
            tags.Add(Tags.ErrorType, failure.Type);
        }

        EngineTelemetry.ServiceDuration.Record(time.GetElapsedTime(started).TotalSeconds, tags);
        return outcome;
    }

    private async Task<(ServiceReply? Reply, WorkflowError? Error, int Status)> SendAsync(
        ServiceDefinition service, string operation, ServiceRequest request, DateTimeOffset? deadline, CancellationToken cancellationToken)
    {
        var seconds = service.Operations[operation].TimeoutSeconds ?? service.TimeoutSeconds;
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(seconds), time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        var client = clients.CreateClient(
            request.Trusted ? ExternalServiceRegistrations.TrustedHttpClientName : ExternalServiceRegistrations.PublicHttpClientName);
        var status = 0;
        try
        {
            using var message = request.ToMessage();
            using var response = await client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, stop.Token);
            status = (int)response.StatusCode;
            await response.Content.LoadIntoBufferAsync(ReplyLimit, stop.Token);
            var body = await response.Content.ReadAsByteArrayAsync(stop.Token);
            var reply = Read(response, body);
            return ReplyReader.Check(service.Operations[operation], reply, request.Key) is { } error ? (null, error, status) : (reply, null, status);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return (null, ServiceErrors.Timeout(seconds), status);
        }
        catch (HttpRequestException exception) when (exception.HttpRequestError == HttpRequestError.ConfigurationLimitExceeded)
        {
            return (null, ServiceErrors.TooLarge(ReplyLimit), status);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            return (null, ServiceErrors.Network(exception), status);
        }
    }

    private ServiceReply Read(HttpResponseMessage response, byte[] body)
    {
        var contentType = response.Content.Headers.ContentType?.MediaType;
        var reply = new ServiceReply((int)response.StatusCode, default, contentType, UpstreamFailure.RetryAfter(response.Headers, time.GetUtcNow()))
        {
            IsEmpty = body.Length == 0,
        };
        return reply.IsCalledJson ? reply with { Body = Parse(body) } : reply;
    }

    private static JsonElement Parse(byte[] body)
    {
        // Postgres stores no NUL in JSON; what stands for it becomes the replacement character, as in model output.
        for (var rest = body.AsSpan(); rest.IndexOf(@"\u0000"u8) is var index and >= 0; rest = rest[(index + 6)..])
        {
            @"\ufffd"u8.CopyTo(rest[index..]);
        }

        try
        {
            return JsonElement.Parse(body);
        }
        catch (JsonException)
        {
            return default;
        }
    }
}
