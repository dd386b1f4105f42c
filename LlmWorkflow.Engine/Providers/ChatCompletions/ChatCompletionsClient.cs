using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using LlmWorkflow.Engine.Diagnostics;
using Microsoft.Extensions.AI;

namespace LlmWorkflow.Engine.Providers.ChatCompletions;

/// <summary>
/// OpenAI's chat completions, and the dialects of it that OpenRouter, Azure OpenAI, Ollama, vLLM and others speak; nothing more: one request, no retry. Every
/// failure is a <see cref="WorkflowException"/>; cancellation closes the connection.
/// </summary>
internal sealed class ChatCompletionsClient(ChatCompletionsDialect dialect, IHttpClientFactory clients, TimeProvider time) : IChatClient
{
    /// <summary>What keeps it from being asked; null when nothing does.</summary>
    public WorkflowError? Obstacle() =>
        dialect.KeySetting is { } setting && string.IsNullOrWhiteSpace(dialect.Key()) ? ProviderErrors.MissingKey(dialect.Provider, setting) : null;

    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? chatOptions = null, CancellationToken cancellationToken = default)
    {
        var prompt = messages.ToList();
        var call = Call(prompt, chatOptions);
        return await call.AskAsync(
            () => Request(prompt, chatOptions, call.Progress, stream: false),
            body => ChatCompletionsReplies.ToResponse(Parse(call, body), dialect, call.Model),
            cancellationToken);
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? chatOptions = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var prompt = messages.ToList();
        var call = Call(prompt, chatOptions);
        var (finished, refused) = (false, false);
        var chunks = call.StreamAsync<ChatCompletionsReply>(
            () => Request(prompt, chatOptions, call.Progress, stream: true),
            // Null stands for the end mark, which not every server sends.
            (_, data) => data.SequenceEqual("[DONE]"u8) ? null : Parse(call, data),
            () => finished,
            cancellationToken);
        await foreach (var chunk in chunks)
        {
            refused |= ChatCompletionsReplies.Refused(chunk);
            var update = ChatCompletionsReplies.ToUpdate(chunk, dialect, refused, finished);
            finished |= update.FinishReason is not null;
            yield return update;
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceKey is null && serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose()
    {
    }

    private static ChatCompletionsReply Parse(ProviderCall call, ReadOnlySpan<byte> json)
    {
        var reply = ChatCompletionsReplies.Parse(json);
        return ChatCompletionsReplies.Fault(reply) is { } fault ? throw call.Refused(fault) : reply;
    }

    private ProviderCall Call(IReadOnlyList<ChatMessage> messages, ChatOptions? options)
    {
        if (Obstacle() is { } error)
        {
            throw new WorkflowException(error);
        }

        return new ProviderCall(clients.CreateClient(ProviderRegistrations.HttpClientName), time, dialect.Provider, dialect.Key(), messages, options);
    }

    private HttpRequestMessage Request(IReadOnlyList<ChatMessage> messages, ChatOptions? options, ChatCallProgress progress, bool stream)
    {
        var query = dialect.ApiVersion is { } version ? $"?api-version={Uri.EscapeDataString(version)}" : "";
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(dialect.BaseUrl().AbsoluteUri.TrimEnd('/') + "/chat/completions" + query))
        {
            Content = new TrackedJsonContent(ChatCompletionsRequests.ToJson(dialect, messages, options, stream), progress),
            Version = System.Net.HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
        Authorize(request.Headers);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(stream ? "text/event-stream" : "application/json"));
        foreach (var (name, value) in dialect.Headers())
        {
            if (value is not null)
            {
                request.Headers.TryAddWithoutValidation(name, value);
            }
        }

        return request;
    }

    private void Authorize(HttpRequestHeaders headers)
    {
        if (dialect.Key() is not { Length: > 0 } key)
        {
            return;
        }

        if (dialect.KeyHeader.Equals(CompatibleProvider.DefaultAuthHeader, StringComparison.OrdinalIgnoreCase))
        {
            headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }
        else
        {
            headers.TryAddWithoutValidation(dialect.KeyHeader, key);
        }
    }
}
