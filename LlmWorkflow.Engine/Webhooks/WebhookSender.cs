using System.Net;
using System.Net.Http.Headers;
using System.Text;
using LlmWorkflow.Engine.ExternalServices;
using LlmWorkflow.Engine.Storage;

namespace LlmWorkflow.Engine.Webhooks;

/// <summary>
/// Makes one attempt. It owns its <see cref="HttpClient"/> instead of taking one from the factory: defaults that a host sets for all factory
/// clients (retries, service discovery, proxies, URL logging) must never reach receivers that callers name.
/// </summary>
internal sealed class WebhookSender : IDisposable
{
    /// <summary>Bytes of an answer that are read and kept.</summary>
    public const int BodyLimit = 4096;

    // The status has decided by then; the body is only for the reader of the attempts, and a receiver that drips it must not keep a place.
    private static readonly TimeSpan BodyTime = TimeSpan.FromSeconds(2);

    // Host names are resolved again after this, so that a receiver can move.
    private static readonly TimeSpan ConnectionLifetime = TimeSpan.FromMinutes(2);

    private readonly EngineOptions options;
    private readonly SecretBox secrets;
    private readonly TimeProvider time;
    private readonly HttpClient client;

    public WebhookSender(EngineOptions options, SecretBox secrets, DestinationGuard guard, TimeProvider time)
    {
        this.options = options;
        this.secrets = secrets;
        this.time = time;
        client = new HttpClient(
            new SocketsHttpHandler
            {
                AllowAutoRedirect = false,
                UseCookies = false,
                // No span of HttpClient's: it would name the URL, which may be a secret. WebhookTelemetry has its own and propagates it.
                ActivityHeadersPropagator = null,
                // A proxy would resolve the name again, past the guard.
                UseProxy = false,
                AutomaticDecompression = DecompressionMethods.None,
                ConnectCallback = guard.ConnectCallback(() => options.AllowPrivateWebhooks),
                PooledConnectionLifetime = ConnectionLifetime,
                MaxResponseHeadersLength = 16,
            },
            disposeHandler: true)
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    /// <summary>Posts the body and reads the start of the answer. Failure is a value; it throws only when <paramref name="cancellationToken"/> says so.</summary>
    public async Task<WebhookReply> SendAsync(ClaimedDelivery delivery, CancellationToken cancellationToken)
    {
        if (!TryFindSecret(delivery, out var secret, out var reason))
        {
            return new() { Error = reason };
        }

        if (!Uri.TryCreate(delivery.Url, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
        {
            return new() { Error = "The webhook_url is not an absolute http or https URL." };
        }

        using var limit = new CancellationTokenSource(options.WebhookTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            using var request = Request(delivery, url, secret);
            WebhookTelemetry.Propagate(request);
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            limit.CancelAfter(BodyTime);
            return Read(response) with { Body = await ReadStartAsync(response.Content, either.Token) };
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new() { Error = $"No answer within {options.WebhookTimeout.TotalSeconds:0.###} s." };
        }
        catch (HttpRequestException e)
        {
            // Such a message can quote what the receiver sent, NUL included, which Postgres refuses.
            return new() { Error = Text(Encoding.UTF8.GetBytes($"{e.HttpRequestError}: {e.GetBaseException().Message}")) };
        }
    }

    public void Dispose() => client.Dispose();

    private bool TryFindSecret(ClaimedDelivery delivery, out string? secret, out string? reason)
    {
        secret = options.WebhookSecret;
        reason = null;
        return delivery.Secret is null || secrets.TryOpen(delivery.Secret, out secret, out reason);
    }

    private HttpRequestMessage Request(ClaimedDelivery delivery, Uri url, string? secret)
    {
        var body = Encoding.UTF8.GetBytes(delivery.Payload);
        var request = new HttpRequestMessage(HttpMethod.Post, url)
        {
            Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } },
        };
        WebhookSigner.SetHeaders(request.Headers, delivery.Event, delivery.Id, time.GetUtcNow(), secret, body);
        return request;
    }

    private WebhookReply Read(HttpResponseMessage response)
    {
        var status = (int)response.StatusCode;
        return new()
        {
            StatusCode = status,
            Error = status switch
            {
                >= 200 and <= 299 => null,
                >= 300 and <= 399 => $"Answered {status}; redirects are not followed.",
                _ => $"Answered {status}.",
            },
            RetryAfter = status is 429 or 503 ? RetryAfter(response.Headers.RetryAfter) : null,
        };
    }

    private TimeSpan? RetryAfter(RetryConditionHeaderValue? header) =>
        header?.Delta ?? (header?.Date is { } date ? date - time.GetUtcNow() : null);

    // What cannot be read does not change the outcome, so a broken or slow body is no error.
    private static async Task<string?> ReadStartAsync(HttpContent content, CancellationToken cancellationToken)
    {
        var bytes = new byte[BodyLimit];
        var length = 0;
        try
        {
            await using var stream = await content.ReadAsStreamAsync(cancellationToken);
            for (int read; length < bytes.Length && (read = await stream.ReadAsync(bytes.AsMemory(length), cancellationToken)) > 0;)
            {
                length += read;
            }
        }
        catch (Exception e) when (e is OperationCanceledException or HttpRequestException or IOException)
        {
        }

        return Text(bytes.AsSpan(0, length));
    }

    /// <summary>The bytes as text of at most <see cref="BodyLimit"/> bytes: a torn last character is dropped, bad bytes are replaced, NUL is removed.</summary>
    internal static string Text(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length);
        var size = 0;
        while (!bytes.IsEmpty)
        {
            var status = Rune.DecodeFromUtf8(bytes, out var rune, out var consumed);
            bytes = bytes[consumed..];
            size += rune.Utf8SequenceLength;
            if (status is System.Buffers.OperationStatus.NeedMoreData || size > BodyLimit)
            {
                break;
            }

            if (rune.Value != 0)
            {
                text.Append(rune.ToString());
            }
        }

        return text.ToString();
    }
}
