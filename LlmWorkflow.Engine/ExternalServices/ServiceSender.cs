using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.ExternalServices;

/// <summary>
/// Makes one attempt over HTTP, redirects included. Failures are values. Each host on the way gets the client that fits it: the one for any address when the operator
/// or the file vouches for it, else the one for public addresses.
/// </summary>
/// <param name="clients">Has the clients of <see cref="ExternalServiceRegistrations"/>.</param>
/// <param name="time">Clock of the time limit.</param>
internal sealed class ServiceSender(IHttpClientFactory clients, TimeProvider time)
{
    private const int MostRedirects = 5;

    // As transforms do: values are put into each other, and none may become too deep to be written.
    private const int MaxDepth = 128;

    /// <summary>Sends the request and reads the reply.</summary>
    /// <param name="service">Says how long it may take, how large the reply may be, and where redirects may lead.</param>
    /// <param name="operation">Name of the operation.</param>
    /// <param name="request">What to send.</param>
    /// <param name="cancellationToken">Breaks the connection off.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async Task<ServiceAttempt> SendAsync(ServiceDefinition service, string operation, ServiceRequest request, CancellationToken cancellationToken)
    {
        var seconds = service.Operations[operation].TimeoutSeconds ?? service.TimeoutSeconds;
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(seconds), time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        Hop hop = new(request.Url, request.Method, false);
        var status = 0;
        try
        {
            for (var redirects = 0; ; redirects++)
            {
                using var message = Message(request, hop);
                using var response = await Client(service, request, hop).SendAsync(message, HttpCompletionOption.ResponseHeadersRead, stop.Token);
                status = (int)response.StatusCode;
                if (status is not (301 or 302 or 303 or 307 or 308) || response.Headers.Location is not { } location)
                {
                    return await ReadAsync(service, request, response, stop.Token);
                }

                var (next, error) = redirects == MostRedirects
                    ? (null, ServiceRedirect.TooMany(status, MostRedirects))
                    : ServiceRedirect.Follow(service, request, hop, status, location);
                if (next is null)
                {
                    return new() { Status = status, Error = error };
                }

                hop = next;
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return timeout.IsCancellationRequested
                ? new() { Status = status, Error = ServiceErrors.Timeout(seconds) }
                : new() { Status = status, Error = ServiceErrors.NotConnected(ExternalServiceRegistrations.ConnectTimeout.TotalSeconds), IsUnprocessed = true };
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or InvalidDataException)
        {
            // A host that answered before with a redirect has processed nothing either.
            return Failed(service, hop, status, exception) with { Status = status };
        }
    }

    private static ServiceAttempt Failed(ServiceDefinition service, Hop hop, int status, Exception exception)
    {
        for (var inner = exception; inner is not null; inner = inner.InnerException)
        {
            if (inner is DestinationRefusedException refused)
            {
                return new() { Error = ServiceErrors.AddressRefused(service.Name, refused.Host, hop.IsRedirect), IsUnprocessed = true };
            }

            if (inner is InvalidDataException)
            {
                return new() { Error = ServiceErrors.Undecodable() };
            }

            if (inner is AnswerMissingException { InnerException: { } reason })
            {
                return new() { Error = ServiceErrors.Network(reason) };
            }
        }

        var kind = (exception as HttpRequestException)?.HttpRequestError ?? HttpRequestError.Unknown;
        return kind == HttpRequestError.ConfigurationLimitExceeded
            ? new() { Error = status == 0 ? ServiceErrors.TooManyHeaders() : ServiceErrors.TooLarge(service.MaxResponseBytes) }
            : new()
            {
                Error = ServiceErrors.Network(exception),
                IsUnprocessed = kind is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError
                    or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError,
            };
    }

    private HttpClient Client(ServiceDefinition service, ServiceRequest request, Hop hop) => clients.CreateClient(
        service.AllowPrivateAddresses || (request.Trusted && !hop.IsElsewhere)
            ? ExternalServiceRegistrations.TrustedHttpClientName
            : ExternalServiceRegistrations.PublicHttpClientName);

    private static HttpRequestMessage Message(ServiceRequest request, Hop hop)
    {
        var message = request.ToMessage();
        message.RequestUri = hop.Url;
        if (hop.Method != message.Method)
        {
            message.Method = hop.Method;
            message.Content = null;
        }

        if (hop.IsElsewhere)
        {
            message.Headers.Clear();
            message.Headers.Accept.Add(new("application/json"));
        }

        return message;
    }

    private async Task<ServiceAttempt> ReadAsync(ServiceDefinition service, ServiceRequest request, HttpResponseMessage response, CancellationToken cancellationToken)
    {
        await response.Content.LoadIntoBufferAsync(service.MaxResponseBytes, cancellationToken);
        var type = response.Content.Headers.ContentType;
        var body = ReplyText.Clean(await response.Content.ReadAsByteArrayAsync(cancellationToken), type?.CharSet, request.Key);
        var reply = new ServiceReply((int)response.StatusCode, default, type?.MediaType, UpstreamFailure.RetryAfter(response.Headers, time.GetUtcNow()))
        {
            IsEmpty = body.Length == 0,
        };
        if (reply.IsCalledJson)
        {
            reply = reply with { Body = Parse(body, MaxDepth) };
            if (reply.Body.ValueKind == JsonValueKind.Undefined && Parse(body, int.MaxValue).ValueKind != JsonValueKind.Undefined)
            {
                return new() { Error = ServiceErrors.TooDeep(MaxDepth), Status = reply.Status, RetryAfter = reply.RetryAfter };
            }
        }

        return new() { Reply = reply, Status = reply.Status, RetryAfter = reply.RetryAfter };
    }

    private static JsonElement Parse(byte[] body, int depth)
    {
        try
        {
            return JsonElement.Parse(body, new JsonDocumentOptions { MaxDepth = depth });
        }
        catch (JsonException)
        {
            return default;
        }
    }

    /// <summary>One request on the way.</summary>
    /// <param name="Url">Where to.</param>
    /// <param name="Method">HTTP method.</param>
    /// <param name="IsRedirect">Not the first.</param>
    /// <param name="IsElsewhere">Another host is or was on the way: neither the key nor a header of the file goes along any more.</param>
    internal sealed record Hop(Uri Url, HttpMethod Method, bool IsRedirect, bool IsElsewhere = false);
}
