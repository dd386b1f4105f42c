using System.Text.Json;
using LlmWorkflow.Engine;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Providers;
using LlmWorkflow.Tests.Support;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LlmWorkflow.Tests.Engine.Providers;

/// <summary>The chat clients as the engine registers them, each of them against the same scripted upstream.</summary>
internal sealed class ProviderFixture : IAsyncDisposable
{
    public const string Key = "k-0123456789abcdef";

    private readonly ServiceProvider _services;

    private ProviderFixture(FakeUpstream upstream, Action<EngineOptions>? configure)
    {
        Upstream = upstream;
        var options = new EngineOptions
        {
            OpenRouterApiKey = Key, OpenRouterBaseUrl = new Uri(upstream.Url, "/or/v1"),
            OpenAIApiKey = Key, OpenAIBaseUrl = new Uri(upstream.Url, "/oa/v1"),
            AnthropicApiKey = Key, AnthropicBaseUrl = new Uri(upstream.Url, "/an"),
            CompatibleProviders = [new CompatibleProvider("local", new Uri(upstream.Url, "/local/v1"))],
        };
        configure?.Invoke(options);
        _services = new ServiceCollection()
            .AddLogging(logging => logging.AddProvider(new Warnings(this)))
            .AddSingleton(options)
            .AddSingleton(TimeProvider.System)
            .AddSingleton<ICallLedger, InMemoryCallLedger>()
            .AddSingleton<Func<PriceBook>>(() => PriceBook.Empty)
            .AddProviders()
            .BuildServiceProvider();
        Registrations = ConfiguredProviders.All(
            options, _services.GetRequiredService<IHttpClientFactory>(), TimeProvider.System, _services.GetRequiredService<ILoggerFactory>())
            .ToDictionary(registration => registration.Name);
    }

    public FakeUpstream Upstream { get; }

    public Dictionary<string, ChatClientRegistration> Registrations { get; }

    public List<string> Logged { get; } = [];

    public ChatCallProgress Progress { get; private set; } = new();

    public List<ChatMessage> Messages { get; set; } = [new(ChatRole.System, "Be brief."), new(ChatRole.User, "Hello?")];

    public ReceivedRequest Request => Assert.Single(Upstream.Received);

    public JsonElement Body => JsonElement.Parse(Upstream.Received.Last().Body);

    public static async Task<ProviderFixture> StartAsync(Func<HttpContext, Task> script, Action<EngineOptions>? configure = null) =>
        new(await FakeUpstream.StartAsync(script), configure);

    /// <summary>Asks, and gathers the reply as the engine does.</summary>
    public async Task<Answer> AskAsync(
        string provider, bool stream = true, string model = "m", Action<ChatOptions>? configure = null, string? providerOptions = null,
        CancellationToken cancellationToken = default)
    {
        var options = new ChatOptions { ModelId = model, MaxOutputTokens = 200 };
        configure?.Invoke(options);
        if (providerOptions is not null)
        {
            ProviderOptions.AttachTo(options, JsonElement.Parse(providerOptions));
        }

        var reply = new ReplyBuilder(new LlmPrompt { Provider = provider, Model = model, Messages = [new LlmMessage("user", "12345678")] });
        Progress = reply.Progress;
        Progress.AttachTo(options);
        var client = _services.GetRequiredService<ChatClientRegistry>().Get(provider).Client;
        var answer = new Answer(reply);
        try
        {
            if (stream)
            {
                await foreach (var update in client.GetStreamingResponseAsync(Messages, options, cancellationToken))
                {
                    answer.Add(update);
                }
            }
            else
            {
                foreach (var update in (await client.GetResponseAsync(Messages, options, cancellationToken)).ToChatResponseUpdates())
                {
                    answer.Add(update);
                }
            }
        }
        catch (WorkflowException exception)
        {
            answer.Error = exception.Error;
        }

        return answer;
    }

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        await Upstream.DisposeAsync();
    }

    /// <summary>A reply, or what came of it.</summary>
    internal sealed class Answer(ReplyBuilder reply)
    {
        public WorkflowError? Error { get; set; }

        public string Text => reply.Text;

        public string Reasoning { get; private set; } = "";

        public string? FinishReason => reply.FinishReason;

        public string? Id => reply.ResponseId;

        public string Model => reply.Model;

        public decimal? ReportedUsd => reply.ReportedUsd;

        public TokenUsage Usage => reply.Usage(Error is null, Error);

        public JsonElement RawUsage { get; private set; }

        public IReadOnlyList<string> Terms { get; private set; } = [];

        public void Add(ChatResponseUpdate update)
        {
            reply.Add(update);
            Reasoning += string.Concat(update.Contents.OfType<TextReasoningContent>().Select(content => content.Text));
            if (update.AdditionalProperties?.TryGetValue(ChatCallProgress.RawUsage, out var raw) == true)
            {
                RawUsage = (JsonElement)raw!;
            }

            if (update.AdditionalProperties?.TryGetValue(ChatCallProgress.Terms, out var terms) == true)
            {
                Terms = (IReadOnlyList<string>)terms!;
            }
        }
    }

    private sealed class Warnings(ProviderFixture owner) : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                owner.Logged.Add(formatter(state, exception));
            }
        }

        public void Dispose()
        {
        }
    }
}
