using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Providers.Gate;
using Microsoft.Extensions.AI;

namespace LlmWorkflow.Engine.Providers;

/// <summary>
/// One request to a provider over HTTP, without any retry: how it is sent, how its answer is read, and what its failures mean. Every failure is a
/// <see cref="WorkflowException"/>; cancellation closes the connection.
/// </summary>
/// <param name="client">Retries nothing.</param>
/// <param name="time">For resets and dates in headers.</param>
/// <param name="provider">Its name.</param>
/// <param name="key">Never shown in an error; null when the provider takes none.</param>
/// <param name="messages">The prompt: never shown in an error either.</param>
/// <param name="options">Those of the call.</param>
internal sealed class ProviderCall(
    HttpClient client, TimeProvider time, string provider, string? key, IReadOnlyList<ChatMessage> messages, ChatOptions? options)
{
    // More than any error body needs, less than any attack wants.
    private const int ErrorBodyLimit = 64 * 1024;

    public string Model { get; } = options?.ModelId ?? "";

    public ChatCallProgress Progress { get; } = ChatCallProgress.Of(options);

    /// <summary>The whole answer.</summary>
    /// <param name="request">Makes the request; may throw a <see cref="WorkflowException"/> for what the provider would refuse.</param>
    /// <param name="parse">Reads the body; throws <see cref="Refused"/> for an error that came with HTTP 200.</param>
    /// <param name="cancellationToken">Closes the connection.</param>
    public async Task<T> AskAsync<T>(Func<HttpRequestMessage> request, Func<byte[], T> parse, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await SendAsync(request, cancellationToken);
            return parse(await response.Content.ReadAsByteArrayAsync(cancellationToken));
        }
        catch (Exception exception) when (Translate(exception, cancellationToken) is { } error)
        {
            throw new WorkflowException(error, exception);
        }
    }

    /// <summary>The pieces of the answer as they come.</summary>
    /// <param name="request">Makes the request; may throw a <see cref="WorkflowException"/> for what the provider would refuse.</param>
    /// <param name="parse">Reads an event; null for the end mark. Throws <see cref="Refused"/> for an error in mid-stream.</param>
    /// <param name="isWhole">Whether the pieces so far are a whole reply.</param>
    /// <param name="cancellationToken">Closes the connection.</param>
    public async IAsyncEnumerable<T> StreamAsync<T>(
        Func<HttpRequestMessage> request, SseItemParser<T?> parse, Func<bool> isWhole, [EnumeratorCancellation] CancellationToken cancellationToken)
        where T : class
    {
        HttpResponseMessage response;
        IAsyncEnumerator<T?> pieces;
        try
        {
            response = await SendAsync(request, cancellationToken);
            pieces = ReadAsync(response, parse, cancellationToken).GetAsyncEnumerator(cancellationToken);
        }
        catch (Exception exception) when (Translate(exception, cancellationToken) is { } error)
        {
            throw new WorkflowException(error, exception);
        }

        using (response)
        await using (pieces)
        {
            while (true)
            {
                try
                {
                    if (!await pieces.MoveNextAsync())
                    {
                        break;
                    }
                }
                catch (Exception exception) when (exception is IOException or HttpRequestException && isWhole())
                {
                    // The reply is whole; only what comes after it is lost. It was paid for, so it is kept.
                    yield break;
                }
                catch (Exception exception) when (Translate(exception, cancellationToken) is { } error)
                {
                    throw new WorkflowException(error, exception);
                }

                if (pieces.Current is not { } piece)
                {
                    yield break;
                }

                yield return piece;
            }
        }

        if (!isWhole())
        {
            throw new WorkflowException(ProviderErrors.Cut(provider, Model));
        }
    }

    /// <summary>The exception for an error that the provider told.</summary>
    public WorkflowException Refused(ProviderFault fault)
    {
        Progress.Stage = ChatCallStage.Refused;
        if (fault.UpstreamHeaders.Count > 0)
        {
            var now = time.GetUtcNow();
            Progress.RateLimits = RateLimitHeaders.Read(fault.UpstreamHeaders.GetValueOrDefault, now) is { Count: > 0 } windows ? windows : Progress.RateLimits;
            fault = fault with { RetryAfter = RateLimitHeaders.RetryAfter(fault.UpstreamHeaders.GetValueOrDefault, now) ?? fault.RetryAfter };
        }

        if (fault is { Code: 429, RetryAfter: null })
        {
            fault = fault with { RetryAfter = Exhausted(Progress.RateLimits)?.TotalSeconds };
        }

        if (fault.Message is { } words && PromptEcho.IsIn(Redactor.Text(words.Trim()), messages))
        {
            fault = fault with { Message = null };
        }

        return new WorkflowException(ProviderErrors.From(fault, provider, Model, key));
    }

    private async Task<HttpResponseMessage> SendAsync(Func<HttpRequestMessage> make, CancellationToken cancellationToken)
    {
        Progress.Stage = ChatCallStage.Sending;
        using var request = make();
        var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        var (headers, now) = (response.Headers.NonValidated, time.GetUtcNow());
        Progress.RateLimits = RateLimitHeaders.Read(Header, now);
        Progress.RequestId = Header("request-id") ?? Header("x-request-id");
        if (response.IsSuccessStatusCode)
        {
            return response;
        }

        using (response)
        {
            Progress.Stage = ChatCallStage.Refused;
            var fault = await ReadFaultAsync(response, cancellationToken);
            throw Refused(fault with
            {
                RetryAfter = RateLimitHeaders.RetryAfter(Header, now),
                MayRetry = !string.Equals(Header("x-should-retry"), "false", StringComparison.OrdinalIgnoreCase),
                RequestId = Progress.RequestId ?? fault.RequestId,
            });
        }

        string? Header(string name) => headers.TryGetValues(name, out var values) ? values.ToString() : null;
    }

    // Some servers answer a stream with one JSON body: when it is an error, or when they cannot stream. Others only call their events JSON.
    private static async IAsyncEnumerable<T?> ReadAsync<T>(
        HttpResponseMessage response, SseItemParser<T?> parse, [EnumeratorCancellation] CancellationToken cancellationToken)
        where T : class
    {
        if (response.Content.Headers.ContentType is { MediaType: "application/json" })
        {
            var whole = await response.Content.ReadAsByteArrayAsync(cancellationToken);
            if (whole.AsSpan().TrimStart(" \r\n\t"u8) is [(byte)'{', ..])
            {
                yield return parse("message", whole);
                yield break;
            }
        }

        // Once more from the begin where it was buffered.
        var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        await foreach (var item in SseParser.Create(body, parse).EnumerateAsync(cancellationToken))
        {
            yield return item.Data;
        }
    }

    private static async Task<ProviderFault> ReadFaultAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var status = (int)response.StatusCode;
        try
        {
            await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
            var buffer = new byte[ErrorBodyLimit];
            var length = await body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
            return ProviderFault.OfBody(buffer.AsSpan(0, length), status);
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException)
        {
            // The status says enough.
            return new ProviderFault(status, [], null);
        }
    }

    private static TimeSpan? Exhausted(IReadOnlyList<RateLimitWindow> windows) => windows.Where(window => window.Remaining == 0).Max(window => window.Reset);

    /// <summary>The error that an exception means; null for those that pass as they are.</summary>
    private WorkflowError? Translate(Exception exception, CancellationToken cancellationToken) => exception switch
    {
        WorkflowException => null,
        OperationCanceledException when !cancellationToken.IsCancellationRequested => ProviderErrors.Timeout(provider, Model, null),
        _ => ProviderErrors.FromException(exception, provider, Model),
    };
}
