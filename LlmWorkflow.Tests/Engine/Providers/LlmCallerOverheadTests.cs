using System.Text;
using LlmWorkflow.Engine;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Providers;
using LlmWorkflow.Engine.Providers.Gate;
using LlmWorkflow.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit.Abstractions;

namespace LlmWorkflow.Tests.Engine.Providers;

/// <summary>
/// What <see cref="LlmCaller"/> adds to the bare HTTP call, one call after the other: without servers, with the gate in Redis, and with the ledger's two commits in
/// Postgres too. The upstream answers at once; both ways read the whole reply.
/// </summary>
public sealed class LlmCallerOverheadTests(EngineFixture engine, ITestOutputHelper output) : IClassFixture<EngineFixture>
{
    private const int WarmUp = 500;
    private const int Calls = 3000;

    [Fact]
    [Trait("Category", "Full")]
    public async Task CallAsync_OverTheBareCall_AddsLittle()
    {
        await using var upstream = await FakeUpstream.StartAsync(FakeUpstream.Json(
            """{"id":"gen-1","model":"anthropic/claude-haiku-4.5","choices":[{"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":2,"total_tokens":12,"cost":0.00002}}"""));
        var job = (await engine.NewClaimAsync(await engine.NewWorkerAsync(TimeSpan.FromHours(1)))).Job;
        await using var local = Services(upstream, services => services.AddSingleton<ICallLedger, InMemoryCallLedger>().AddLocalGate());
        await using var paced = Services(upstream, services => services.AddSingleton<ICallLedger, InMemoryCallLedger>().AddSingleton(engine.Redis).AddFleetGate());
        await using var durable = Services(upstream, services => services.AddSingleton<ICallLedger>(new CostLedger(engine.Database)).AddSingleton(engine.Redis).AddFleetGate());

        var bare = await MeasureAsync(BareAsync(upstream));
        var (p50, p99) = bare;
        output.WriteLine($"bare HTTP call: p50 {p50:F3} ms, p99 {p99:F3} ms");
        foreach (var (name, services) in new[] { ("no servers", local), ("gate in Redis", paced), ("gate in Redis, ledger in Postgres", durable) })
        {
            var with = await MeasureAsync(CallerAsync(services, job));
            output.WriteLine($"{name}: p50 {with.P50:F3} ms, p99 {with.P99:F3} ms; over the bare call: p50 {with.P50 - p50:F3} ms, p99 {with.P99 - p99:F3} ms");
            Assert.InRange(with.P50 - p50, 0, 25);
        }
    }

    private static async Task<(double P50, double P99)> MeasureAsync(Func<int, Task> call)
    {
        List<double> times = [];
        for (var i = 0; i < WarmUp + Calls; i++)
        {
            var started = TimeProvider.System.GetTimestamp();
            await call(i);
            if (i >= WarmUp)
            {
                times.Add(TimeProvider.System.GetElapsedTime(started).TotalMilliseconds);
            }
        }

        times.Sort();
        return (times[Calls / 2], times[Calls * 99 / 100]);
    }

    private static Func<int, Task> BareAsync(FakeUpstream upstream)
    {
        var client = new HttpClient(new SocketsHttpHandler(), disposeHandler: true);
        var url = new Uri(upstream.Url, "/api/v1/chat/completions");
        return async _ =>
        {
            using var content = new StringContent("""{"model":"m","messages":[{"role":"user","content":"Say hello."}]}""", Encoding.UTF8, "application/json");
            using var response = await client.PostAsync(url, content);
            await response.Content.ReadAsByteArrayAsync();
        };
    }

    private static Func<int, Task> CallerAsync(ServiceProvider services, LeasedJob job)
    {
        var caller = services.GetRequiredService<LlmCaller>();
        var run = Guid.NewGuid().ToString("N");
        return async i =>
        {
            var outcome = await caller.CallAsync(
                new LlmRequest
                {
                    Prompt = new LlmPrompt { Provider = "openrouter", Model = LlmFixture.Model, Messages = [new LlmMessage("user", "Say hello.")], MaxTokens = 50 },
                    Job = job.Identity,
                    Fence = job.Fence,
                    StepPath = $"{run}/{i}",
                    EarlierCalls = [],
                    Stream = false,
                },
                CancellationToken.None);
            Assert.Equal("Hello", outcome.Reply?.Content);
        };
    }

    private ServiceProvider Services(FakeUpstream upstream, Func<IServiceCollection, IServiceCollection> add) => add(new ServiceCollection()
        .AddLogging(logging => logging.SetMinimumLevel(LogLevel.Warning))
        .AddSingleton(new EngineOptions { OpenRouterApiKey = LlmFixture.Key, OpenRouterBaseUrl = new Uri(upstream.Url, "/api/v1"), RedisPrefix = engine.Options.RedisPrefix })
        .AddSingleton(TimeProvider.System)
        .AddSingleton(new Random(1))
        .AddSingleton<Func<PriceBook>>(static () => PriceBook.Empty)
        .AddSingleton<Func<SpendLimits>>(static () => SpendLimits.None))
        .AddProviders()
        .BuildServiceProvider();
}
