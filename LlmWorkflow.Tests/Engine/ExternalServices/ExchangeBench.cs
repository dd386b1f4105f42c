using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using LlmWorkflow.Engine;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.ExternalServices;
using LlmWorkflow.Engine.ExternalServices.Pacing;
using LlmWorkflow.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LlmWorkflow.Tests.Engine.ExternalServices;

/// <summary>A service exchange as the engine registers it, for one service made in the test, with all that it tells written down.</summary>
internal sealed class ExchangeBench : IDisposable
{
    private readonly ServiceProvider _provider;
    private readonly ActivityListener _listener;
    private readonly ConcurrentQueue<Activity> _activities = new();

    public ExchangeBench(Action<IServiceCollection>? configure = null)
    {
        ServiceCollection services = new();
        services.AddSingleton(new EngineOptions());
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton<Random>(new SharedRandom(1));
        services.AddSingleton<ILoggerFactory>(new LogFactory(Log));
        services.AddSingleton(typeof(ILogger<>), typeof(Logger<>));
        services.AddSingleton<ReplyCheck>(Check);
        services.AddExternalServices().AddLocalPacing();
        configure?.Invoke(services);
        _provider = services.BuildServiceProvider();
        _listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name.Contains("System.Net", StringComparison.Ordinal) || source.Name == EngineTelemetry.Name,
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = _activities.Enqueue,
        };
        ActivitySource.AddActivityListener(_listener);
    }

    /// <summary>Unlike any other, with characters that are escaped in JSON and in URLs.</summary>
    public string Key { get; } = $"s3c+{Guid.NewGuid():N}/q=";

    public RecordedLog Log { get; } = new();

    public TokenBucket Bucket => _provider.GetRequiredService<TokenBucket>();

    public ServiceDefinition Service { get; set; } = new()
    {
        Name = "weather",
        BaseUrl = "https://weather.example",
        TimeoutSeconds = 60,
        Retry = new() { MaxAttempts = 1, InitialDelaySeconds = 0.01 },
        Operations = new Dictionary<string, ServiceOperation> { ["get"] = new() { Path = "/now" }, ["put"] = new() { Path = "/now", Method = "POST", Idempotent = true } },
    };

    /// <summary>The attempts of this bench's service, in order.</summary>
    public IReadOnlyList<object?> Attempts =>
        [.. _activities.Where(a => a.OperationName == "attempt" && a.GetTagItem("llmworkflow.service.name") is string name && name == Service.Name).Select(a => a.GetTagItem("llmworkflow.attempt"))];

    public async Task<(ServiceReply? Reply, WorkflowError? Error, int Status)> AskAsync(
        Uri url, AuthPlace? place = null, bool trusted = true, string operation = "get", HttpMethod? method = null, DateTimeOffset? deadline = null,
        bool hasBody = true, CancellationToken cancellationToken = default)
    {
        List<KeyValuePair<string, string>> headers = [KeyValuePair.Create("X-Of-The-File", "yes")];
        if (place is AuthPlace.Header or AuthPlace.Bearer)
        {
            headers.Add(place == AuthPlace.Header ? KeyValuePair.Create("X-Api-Key", Key) : KeyValuePair.Create("Authorization", "Bearer " + Key));
        }

        ServiceRequest request = new()
        {
            BaseUrl = url.GetLeftPart(UriPartial.Authority),
            Url = place == AuthPlace.Query ? new Uri(url, $"?q=1&key={Uri.EscapeDataString(Key)}") : url,
            Trusted = trusted,
            Key = Key,
            Method = method ?? HttpMethod.Get,
            Headers = headers,
            Body = !hasBody || method is null || method == HttpMethod.Get ? null : "{}"u8.ToArray(),
        };
        var answer = await _provider.GetRequiredService<ServiceExchange>()
            .AskAsync(Service, operation, request, deadline, cancellationToken).WaitAsync(TimeSpan.FromSeconds(60), CancellationToken.None);
        Assert.True(answer.Reply is null != answer.Error is null);
        return answer;
    }

    /// <summary>Fails when the key stands anywhere in what was told.</summary>
    public void AssertNoKey(params object?[] told)
    {
        List<string> texts = [.. Log.Texts, .. told.Select(value => JsonSerializer.Serialize(value, s_plain))];
        foreach (var activity in _activities)
        {
            texts.Add($"{activity.DisplayName} {activity.StatusDescription} {activity.TraceStateString}");
            texts.AddRange(activity.TagObjects.Select(tag => $"{tag.Key}={tag.Value}"));
            texts.AddRange(activity.Events.SelectMany(told => told.Tags.Select(tag => $"{told.Name} {tag.Key}={tag.Value}")));
        }

        Assert.Contains(_activities, activity => activity.OperationName == "attempt");
        Assert.All(texts, text => Assert.False(KeyText.IsIn(text, Key) || text.Contains(Key[4..20], StringComparison.Ordinal), text));
    }

    public void Dispose()
    {
        _listener.Dispose();
        _provider.Dispose();
    }

    private static readonly JsonSerializerOptions s_plain = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    // What the real check does, in short; the service's words are told as they came, so that a key in them would be seen.
    private static WorkflowError? Check(ServiceOperation operation, ServiceReply reply, string? key)
    {
        var words = reply.Body.ValueKind == JsonValueKind.Undefined ? null : reply.Body.GetRawText();
        return !reply.IsSuccessStatus ? ServiceErrors.FromStatus(reply.Status, words, reply.RetryAfter)
            : reply.IsEmpty ? ServiceErrors.Empty()
            : words is null ? reply.IsCalledJson ? ServiceErrors.Malformed() : ServiceErrors.NotJson(reply.ContentType)
            : words.Contains("\"error\"", StringComparison.Ordinal)
                ? ServiceErrors.FromStatus(reply.Body.GetProperty("error").GetProperty("code").GetInt32(), words, null)
            : null;
    }

    private sealed class LogFactory(RecordedLog log) : ILoggerFactory
    {
        public void AddProvider(ILoggerProvider provider)
        {
        }

        public ILogger CreateLogger(string categoryName) => log;

        public void Dispose()
        {
        }
    }
}
