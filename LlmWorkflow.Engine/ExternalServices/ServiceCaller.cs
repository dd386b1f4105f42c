using System.Buffers;
using System.Diagnostics;
using System.Net;
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
        ServiceRequest request;
        JsonElement known;
        try
        {
            definition = catalog.Get(service);
            known = ServiceParameters.Check(service, operation, ServiceCatalog.GetOperation(definition, operation), call.Parameters);
            request = ServiceRequest.Build(definition, operation, known, options.Variable);
        }
        catch (WorkflowException exception)
        {
            return new ServiceOutcome { Error = exception.Error };
        }

        using var span = EngineTelemetry.Source.StartActivity($"{service}.{operation}", ActivityKind.Client);
        span?.SetTag(Tags.Service, service).SetTag(Tags.ServiceOperation, operation);
        var started = time.GetTimestamp();
        var outcome = await SendAsync(definition, operation, request, cancellationToken);
        if (outcome.Error is { } error)
        {
            outcome = outcome with
            {
                Error = error with { Details = error.Details! with { Service = service, Operation = operation, Inputs = Redactor.Json(known) } },
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

    private async Task<ServiceOutcome> SendAsync(ServiceDefinition service, string operation, ServiceRequest request, CancellationToken cancellationToken)
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
            return Read(service.Operations[operation], request, response, body) with { StatusCode = status };
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new ServiceOutcome { StatusCode = status, Error = ServiceErrors.Timeout(seconds) };
        }
        catch (HttpRequestException exception) when (exception.HttpRequestError == HttpRequestError.ConfigurationLimitExceeded)
        {
            return new ServiceOutcome { StatusCode = status, Error = ServiceErrors.TooLarge(ReplyLimit) };
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            return new ServiceOutcome { StatusCode = status, Error = ServiceErrors.Network(exception) };
        }
    }

    private ServiceOutcome Read(ServiceOperation operation, ServiceRequest request, HttpResponseMessage response, byte[] body)
    {
        var contentType = response.Content.Headers.ContentType?.MediaType;
        var isJson = contentType is null || contentType.EndsWith("json", StringComparison.OrdinalIgnoreCase);
        var reply = isJson ? Parse(body) : default;
        var words = operation.ErrorMessage is { } path && ServiceTemplate.At(reply, path) is { ValueKind: JsonValueKind.String } found
            ? Redactor.Text(found.GetString(), request.Key)
            : null;
        if (!response.IsSuccessStatusCode)
        {
            return new ServiceOutcome
            {
                Error = ServiceErrors.FromStatus((int)response.StatusCode, words, UpstreamFailure.RetryAfter(response.Headers, time.GetUtcNow())),
            };
        }

        if (response.StatusCode == HttpStatusCode.NoContent)
        {
            return new ServiceOutcome { Data = JsonElement.Parse("null") };
        }

        if (reply.ValueKind == JsonValueKind.Undefined)
        {
            return new ServiceOutcome { Error = isJson ? ServiceErrors.Malformed() : ServiceErrors.NotJson(contentType) };
        }

        if (operation.Success is { } success)
        {
            var value = ServiceTemplate.At(reply, success.Path).ToString();
            if (!success.Values.Contains(value, StringComparer.Ordinal))
            {
                return new ServiceOutcome { Error = ServiceErrors.Unsuccessful($"{success.Path} '{Redactor.Text(value, request.Key)}'", words) };
            }
        }

        return new ServiceOutcome { Data = Map(operation, reply) };
    }

    private static JsonElement Map(ServiceOperation operation, JsonElement reply)
    {
        if (reply.ValueKind == JsonValueKind.Object && operation.ResponseDefaults.Any(field => !reply.TryGetProperty(field.Key, out _)))
        {
            reply = WithDefaults(reply, operation.ResponseDefaults);
        }

        if (operation.Response.ValueKind == JsonValueKind.Undefined)
        {
            return reply;
        }

        var mapped = new ServiceTemplate("response", reply).Fill(operation.Response);
        return mapped.ValueKind == JsonValueKind.Undefined ? JsonElement.Parse("null") : mapped;
    }

    private static JsonElement WithDefaults(JsonElement reply, IReadOnlyDictionary<string, JsonElement> defaults)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach (var property in reply.EnumerateObject())
            {
                property.WriteTo(writer);
            }

            foreach (var (name, value) in defaults.Where(field => !reply.TryGetProperty(field.Key, out _)))
            {
                writer.WritePropertyName(name);
                value.WriteTo(writer);
            }

            writer.WriteEndObject();
        }

        return JsonElement.Parse(buffer.WrittenSpan);
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
