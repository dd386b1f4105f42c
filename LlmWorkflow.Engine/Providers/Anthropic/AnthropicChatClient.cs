using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;

namespace LlmWorkflow.Engine.Providers.Anthropic;

/// <summary>
/// Anthropic's Messages API, and nothing more: one request, no retry. Every failure is a <see cref="WorkflowException"/>; cancellation closes the connection.
/// </summary>
internal sealed partial class AnthropicChatClient(
    EngineOptions options, IHttpClientFactory clients, TimeProvider time, ILogger<AnthropicChatClient> logger) : IChatClient
{
    /// <summary>Name of the provider.</summary>
    public const string Provider = "anthropic";

    private const string KeySetting = "ANTHROPIC_API_KEY";

    // The only version there is; what it means is fixed.
    private const string ApiVersion = "2023-06-01";

    private readonly ConcurrentDictionary<string, bool> _warned = new(StringComparer.Ordinal);

    /// <summary>What keeps it from being asked; null when nothing does.</summary>
    public WorkflowError? Obstacle() => string.IsNullOrWhiteSpace(options.AnthropicApiKey) ? ProviderErrors.MissingKey(Provider, KeySetting) : null;

    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? chatOptions = null, CancellationToken cancellationToken = default)
    {
        var prompt = messages.ToList();
        var call = Call(prompt, chatOptions);
        return await call.AskAsync(
            () => Request(prompt, chatOptions, call, stream: false),
            body => AnthropicReplies.ToResponse(Message(call, body), call.Model),
            cancellationToken);
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? chatOptions = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var prompt = messages.ToList();
        var call = Call(prompt, chatOptions);
        var stream = new AnthropicStream();
        var updates = call.StreamAsync<Piece>(
            () => Request(prompt, chatOptions, call, stream: true), (_, data) => Read(call, stream, data), () => stream.IsWhole, cancellationToken);
        await foreach (var piece in updates)
        {
            if (piece.Update is { } update)
            {
                yield return update;
            }
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceKey is null && serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose()
    {
    }

    // Null is the end mark, which is message_stop here.
    private static Piece? Read(ProviderCall call, AnthropicStream stream, ReadOnlySpan<byte> json)
    {
        var piece = JsonSerializer.Deserialize(json, AnthropicJson.Default.AnthropicEvent) ?? throw new JsonException("null");
        if (piece.Type == "error" || piece.Error.ValueKind is JsonValueKind.Object)
        {
            throw call.Refused(ProviderFault.OfError(piece.Error, status: null) with { RequestId = piece.RequestId ?? call.Progress.RequestId });
        }

        var update = piece.Type == "message" ? stream.Take(Message(call, json)) : stream.Take(piece);
        return piece.Type == "message_stop" ? null : new Piece(update);
    }

    private static AnthropicMessage Message(ProviderCall call, ReadOnlySpan<byte> json)
    {
        var message = JsonSerializer.Deserialize(json, AnthropicJson.Default.AnthropicMessage) ?? throw new JsonException("null");
        return message.Error.ValueKind is not JsonValueKind.Object
            ? message
            : throw call.Refused(ProviderFault.OfError(message.Error, status: null) with { RequestId = message.RequestId ?? call.Progress.RequestId });
    }

    private ProviderCall Call(IReadOnlyList<ChatMessage> messages, ChatOptions? chatOptions) => Obstacle() is { } error
        ? throw new WorkflowException(error)
        : new ProviderCall(clients.CreateClient(ProviderRegistrations.HttpClientName), time, Provider, options.AnthropicApiKey, messages, chatOptions);

    private HttpRequestMessage Request(IReadOnlyList<ChatMessage> messages, ChatOptions? chatOptions, ProviderCall call, bool stream)
    {
        var made = AnthropicRequests.From(messages, chatOptions, stream);
        if (made.LeftOut.Count > 0 && logger.IsEnabled(LogLevel.Warning))
        {
            var names = string.Join(", ", made.LeftOut);
            if (_warned.TryAdd($"{call.Model} {names}", true))
            {
                LeftOut(logger, call.Model, names);
            }
        }

        var root = options.AnthropicBaseUrl.AbsoluteUri.TrimEnd('/');
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(root + (root.EndsWith("/v1", StringComparison.Ordinal) ? "/messages" : "/v1/messages")))
        {
            Content = new TrackedJsonContent(made.Json, call.Progress),
            Version = System.Net.HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
        request.Headers.TryAddWithoutValidation("x-api-key", options.AnthropicApiKey);
        request.Headers.TryAddWithoutValidation("anthropic-version", ApiVersion);
        if (made.Betas.Count > 0)
        {
            request.Headers.TryAddWithoutValidation("anthropic-beta", string.Join(',', made.Betas));
        }

        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(stream ? "text/event-stream" : "application/json"));
        return request;
    }

    [LoggerMessage(1551, LogLevel.Warning, "{Model} does not take {Parameters}: left out of its calls")]
    private static partial void LeftOut(ILogger logger, string model, string parameters);

    /// <summary>An event; most of them bring an update.</summary>
    private sealed record Piece(ChatResponseUpdate? Update);
}
