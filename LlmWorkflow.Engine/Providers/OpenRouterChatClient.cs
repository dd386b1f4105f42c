using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using Microsoft.Extensions.AI;

namespace LlmWorkflow.Engine.Providers;

/// <summary>
/// OpenRouter's chat completions, and nothing more: one request, no retry. Every failure is a <see cref="WorkflowException"/>; cancellation
/// closes the connection.
/// </summary>
internal sealed class OpenRouterChatClient(IHttpClientFactory clients, EngineOptions options, TimeProvider time) : IChatClient
{
    /// <summary>Name of the provider and, with a prefix, of its HTTP client.</summary>
    public const string Provider = "openrouter";

    private const string KeySetting = "OPENROUTER_API_KEY";

    // More than any error body needs, less than any attack wants.
    private const int ErrorBodyLimit = 64 * 1024;

    public ChatClientRegistration ToRegistration() => new(Provider, this)
    {
        Obstacle = () => string.IsNullOrWhiteSpace(Key) ? ProviderErrors.MissingKey(Provider, KeySetting) : null,
    };

    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? chatOptions = null, CancellationToken cancellationToken = default)
    {
        var call = new Call(this, chatOptions);
        try
        {
            using var response = await call.SendAsync(messages, stream: false, cancellationToken);
            await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
            var reply = await JsonSerializer.DeserializeAsync(body, OpenRouterJson.Default.OpenRouterReply, cancellationToken);
            return OpenRouterReplies.ToResponse(call.Check(reply), call.Model);
        }
        catch (Exception exception) when (call.Translate(exception, cancellationToken) is { } error)
        {
            throw new WorkflowException(error, exception);
        }
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? chatOptions = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var call = new Call(this, chatOptions);
        HttpResponseMessage response;
        IAsyncEnumerator<SseItem<OpenRouterReply?>> events;
        try
        {
            response = await call.SendAsync(messages, stream: true, cancellationToken);
            var body = await response.Content.ReadAsStreamAsync(cancellationToken);
            events = SseParser.Create(body, static (_, data) => Parse(data)).EnumerateAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);
        }
        catch (Exception exception) when (call.Translate(exception, cancellationToken) is { } error)
        {
            throw new WorkflowException(error, exception);
        }

        using (response)
        await using (events)
        {
            var finished = false;
            while (true)
            {
                OpenRouterReply? chunk;
                try
                {
                    if (!await events.MoveNextAsync())
                    {
                        break;
                    }

                    if (events.Current.Data is not { } data)
                    {
                        yield break;
                    }

                    chunk = call.Check(data);
                }
                catch (Exception exception) when (exception is IOException or HttpRequestException && finished)
                {
                    // The reply is whole; only the usage report is lost. It was paid for, so it is kept.
                    yield break;
                }
                catch (Exception exception) when (call.Translate(exception, cancellationToken) is { } error)
                {
                    throw new WorkflowException(error, exception);
                }

                finished |= chunk.Choices is [{ FinishReason: not null }, ..];
                yield return OpenRouterReplies.ToUpdate(chunk);
            }

            if (!finished)
            {
                throw new WorkflowException(ProviderErrors.Cut(Provider, call.Model));
            }
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceKey is null && serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose()
    {
    }

    // Null stands for the end mark.
    private static OpenRouterReply? Parse(ReadOnlySpan<byte> data) =>
        data.SequenceEqual("[DONE]"u8) ? null : JsonSerializer.Deserialize(data, OpenRouterJson.Default.OpenRouterReply)
            ?? throw new JsonException("null");

    /// <summary>One call: the request, and what its failures mean.</summary>
    private sealed class Call(OpenRouterChatClient owner, ChatOptions? chatOptions)
    {
        private readonly ChatCallProgress _progress = ChatCallProgress.Of(chatOptions);
        private readonly string? _key = owner.Key;

        public string Model { get; } = chatOptions?.ModelId ?? "";

        public async Task<HttpResponseMessage> SendAsync(IEnumerable<ChatMessage> messages, bool stream, CancellationToken cancellationToken)
        {
            if (string.IsNullOrWhiteSpace(_key))
            {
                throw new WorkflowException(ProviderErrors.MissingKey(Provider, KeySetting));
            }

            _progress.Stage = ChatCallStage.Sending;
            using var request = owner.Request(OpenRouterReplies.ToRequest(messages, chatOptions, Model, stream), _key, _progress);
            var response = await owner.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            if (response.IsSuccessStatusCode)
            {
                return response;
            }

            _progress.Stage = ChatCallStage.Refused;
            using (response)
            {
                var fault = await ReadFaultAsync(response, cancellationToken);
                throw new WorkflowException(ProviderErrors.From(
                    fault, Provider, Model, UpstreamFailure.RetryAfter(response.Headers, owner.Now), _key));
            }
        }

        /// <summary>The reply, unless it is an error that came with HTTP 200.</summary>
        public OpenRouterReply Check(OpenRouterReply? reply)
        {
            var error = reply?.Error ?? (reply?.Choices is [{ Error: { } inner }, ..] ? inner : null);
            if (error is null && reply?.Choices is [{ FinishReason: "error" }, ..])
            {
                error = new OpenRouterError();
            }

            if (error is not null)
            {
                _progress.Stage = ChatCallStage.Refused;
                throw new WorkflowException(ProviderErrors.From(OpenRouterReplies.ToFault(error, status: null), Provider, Model, OpenRouterReplies.RetryAfter(error), _key));
            }

            return reply ?? throw new JsonException("null");
        }

        /// <summary>The error that an exception means; null for those that pass as they are.</summary>
        public WorkflowError? Translate(Exception exception, CancellationToken cancellationToken) => exception switch
        {
            WorkflowException => null,
            OperationCanceledException when !cancellationToken.IsCancellationRequested => ProviderErrors.Timeout(Provider, Model, null),
            _ => ProviderErrors.FromException(exception, Provider, Model),
        };

        private static async Task<ProviderFault> ReadFaultAsync(HttpResponseMessage response, CancellationToken cancellationToken)
        {
            var status = (int)response.StatusCode;
            try
            {
                await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
                var buffer = new byte[ErrorBodyLimit];
                var length = await body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
                var reply = JsonSerializer.Deserialize(buffer.AsSpan(0, length), OpenRouterJson.Default.OpenRouterReply);
                return reply?.Error is { } error ? OpenRouterReplies.ToFault(error, status) : new ProviderFault(status, null, null);
            }
            catch (Exception exception) when (exception is JsonException or IOException or HttpRequestException)
            {
                // The status says enough.
                return new ProviderFault(status, null, null);
            }
        }
    }

    private string? Key => options.OpenRouterApiKey;

    private HttpClient Client => clients.CreateClient(ProviderRegistrations.HttpClientName);

    private DateTimeOffset Now => time.GetUtcNow();

    private HttpRequestMessage Request(OpenRouterRequest body, string key, ChatCallProgress progress)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(options.OpenRouterBaseUrl.AbsoluteUri.TrimEnd('/') + "/chat/completions"))
        {
            Content = new TrackedJsonContent(JsonSerializer.SerializeToUtf8Bytes(body, OpenRouterJson.Default.OpenRouterRequest), progress),
            Version = System.Net.HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(body.Stream ? "text/event-stream" : "application/json"));
        if (options.OpenRouterReferer is { } referer)
        {
            request.Headers.TryAddWithoutValidation("HTTP-Referer", referer);
        }

        if (options.OpenRouterTitle is { } title)
        {
            request.Headers.TryAddWithoutValidation("X-Title", title);
        }

        return request;
    }
}
