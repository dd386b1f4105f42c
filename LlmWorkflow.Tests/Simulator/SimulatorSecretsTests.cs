using System.Collections.Concurrent;
using System.Diagnostics;
using LlmWorkflow.Simulator;
using Microsoft.Extensions.Logging;

namespace LlmWorkflow.Tests.Simulator;

/// <summary>WeatherAPI's key travels in the query: it must not be in the simulator's own logs and spans.</summary>
public sealed class SimulatorSecretsTests
{
    private const string Key = "query-key-nobody-may-see";

    [Fact]
    public async Task Request_KeyInTheQuery_IsInNoLogAndNoSpan()
    {
        ConcurrentQueue<string> told = [];
        ConcurrentQueue<string> spans = [];
        using var listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal),
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = span => spans.Enqueue($"{span.DisplayName} {string.Join(' ', span.TagObjects)}"),
        };
        ActivitySource.AddActivityListener(listener);
        await using var app = SimulatorHost.Create("--urls", "http://127.0.0.1:0", "--Logging:LogLevel:Microsoft.AspNetCore", "Debug");
        var factory = (ILoggerFactory)app.Services.GetService(typeof(ILoggerFactory))!;
        using var log = new Lines(told);
        factory.AddProvider(log);
        await app.StartAsync();
        using var handler = new SocketsHttpHandler();
        using var client = new HttpClient(handler, disposeHandler: false) { BaseAddress = new Uri(app.Urls.Single()) };

        (await client.GetAsync($"/weatherapi/v1/current.json?q=Austin&key={Key}")).EnsureSuccessStatusCode();
        await app.StopAsync();

        Assert.Contains(spans, text => text.Contains("weatherapi", StringComparison.Ordinal));
        Assert.Contains(told, text => text.Contains("weatherapi", StringComparison.Ordinal));
        Assert.DoesNotContain(told.Concat(spans), text => text.Contains(Key, StringComparison.Ordinal));
    }

    private sealed class Lines(ConcurrentQueue<string> told) : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public void Dispose()
        {
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            told.Enqueue($"{formatter(state, exception)} {exception}");
    }
}
