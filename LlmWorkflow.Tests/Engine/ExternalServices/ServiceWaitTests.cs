using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.ExternalServices;
using LlmWorkflow.Tests.Support;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace LlmWorkflow.Tests.Engine.ExternalServices;

/// <summary>Waits of all kinds: what a service asks for, its pace, an open circuit. Over real HTTP, on a clock that stands still unless a test moves it.</summary>
public sealed class ServiceWaitTests : IDisposable
{
    private static readonly Func<HttpContext, Task> s_good = FakeUpstream.Json("{}");
    private static readonly Func<HttpContext, Task> s_bad = FakeUpstream.Json("{}", 500);

    private readonly VirtualTime _time = new();
    private readonly ExchangeBench _bench;

    public ServiceWaitTests()
    {
        _bench = new(services => services.AddSingleton<TimeProvider>(_time));
        _bench.Service = _bench.Service with { Name = $"s{Guid.NewGuid():N}", Retry = new() { MaxAttempts = 1 } };
    }

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task AskAsync_RetryAfterLongerThanTheMaximum_IsHonoured()
    {
        _bench.Service = _bench.Service with { Retry = new() { MaxAttempts = 3, InitialDelaySeconds = 0.02, MaxDelaySeconds = 0.1 } };
        await using var upstream = await FakeUpstream.StartAsync(FakeUpstream.Json("{}", 503, headers: ("Retry-After", "1")), s_good);

        var asked = _bench.AskAsync(upstream.Url);
        await UntilItWaitsAsync();
        _time.Advance(TimeSpan.FromSeconds(0.99));
        Assert.False(asked.IsCompleted);
        Assert.Single(upstream.Received);
        _time.Advance(TimeSpan.FromSeconds(0.2));

        Assert.NotNull((await asked).Reply);
    }

    [Theory]
    [InlineData(429, "1", 1)]
    [InlineData(503, "1", 1)]
    [InlineData(429, null, 1)]
    [InlineData(503, null, 0)]
    public async Task AskAsync_ServiceAsksToWait_HoldsOtherCallsBack(int status, string? retryAfter, double seconds)
    {
        var header = retryAfter is null ? ("X-A", "b") : ("Retry-After", retryAfter);
        await using var upstream = await FakeUpstream.StartAsync(FakeUpstream.Json("{}", status, headers: header), s_good);
        await _bench.AskAsync(upstream.Url);

        var asked = _bench.AskAsync(upstream.Url);
        if (seconds > 0)
        {
            await UntilItWaitsAsync();
            _time.Advance(TimeSpan.FromSeconds(seconds - 0.01));
            Assert.False(asked.IsCompleted);
            Assert.Single(upstream.Received);
            _time.Advance(TimeSpan.FromSeconds(0.02));
        }

        Assert.NotNull((await asked).Reply);
        Assert.Equal(seconds > 0 ? [2311] : [], _bench.Log.Ids);
    }

    [Fact]
    public async Task AskAsync_RateLimitInsideA200_PausesToo()
    {
        await using var upstream = await FakeUpstream.StartAsync(FakeUpstream.Json("""{"error":{"code":429}}"""), s_good);

        var (_, error, status) = await _bench.AskAsync(upstream.Url);

        Assert.Equal((ErrorTypes.RateLimited, 200), (error!.Type, status));
        var late = await _bench.AskAsync(upstream.Url, deadline: _time.GetUtcNow().AddMilliseconds(300));
        Assert.Equal(ErrorTypes.RateLimited, late.Error!.Type);
        Assert.InRange(late.Error.RetryAfter!.Value, 0.9, 1);
        Assert.Single(upstream.Received);
    }

    [Fact]
    public async Task AskAsync_TurnAfterTheDeadline_SendsNothing()
    {
        _bench.Service = _bench.Service with { RateLimit = new() { Requests = 1, PerSeconds = 60, Burst = 1 } };
        await using var upstream = await FakeUpstream.StartAsync(s_good);
        await _bench.AskAsync(upstream.Url);

        var (_, error, status) = await _bench.AskAsync(upstream.Url, deadline: _time.GetUtcNow().AddSeconds(10));

        Assert.Equal((ErrorTypes.RateLimited, 0), (error!.Type, status));
        Assert.InRange(error.RetryAfter!.Value, 59, 63);
        Assert.Single(upstream.Received);
    }

    [Fact]
    public async Task AskAsync_ServiceFailsAgainAndAgain_IsLeftAloneForAWhile()
    {
        _bench.Service = _bench.Service with
        {
            CircuitBreaker = new() { MinimumCalls = 4, FailureRatio = 0.5, OpenSeconds = 1 },
        };
        var broken = true;
        await using var upstream = await FakeUpstream.StartAsync(context => broken ? FakeUpstream.Json("""{"error":{"code":500}}""")(context) : s_good(context));
        for (var i = 0; i < 4; i++)
        {
            Assert.Equal(ErrorTypes.UpstreamServerError, (await _bench.AskAsync(upstream.Url)).Error!.Type);
        }

        var (_, error, status) = await _bench.AskAsync(upstream.Url);

        Assert.Equal((ErrorTypes.CircuitOpen, ErrorCategory.External, true, 0), (error!.Type, error.Category, error.Retryable, status));
        Assert.InRange(error.RetryAfter!.Value, 0.9, 1);
        Assert.Equal(4, upstream.Received.Count);

        // Other changes of the file do not close it; then one call is let through.
        broken = false;
        _bench.Service = _bench.Service with { Retry = new() { MaxAttempts = 2 }, TimeoutSeconds = 61 };
        var asked = _bench.AskAsync(upstream.Url, method: HttpMethod.Post);
        await UntilItWaitsAsync();
        Assert.Equal(4, upstream.Received.Count);
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.NotNull((await asked).Reply);
        Assert.NotNull((await _bench.AskAsync(upstream.Url)).Reply);
        Assert.Equal([2312, 2313], _bench.Log.Ids);
    }

    [Fact]
    public async Task AskAsync_ProbeUnderWay_KeepsOthersBackAndACancelledOneClosesNothing()
    {
        _bench.Service = _bench.Service with { CircuitBreaker = new() { MinimumCalls = 2, OpenSeconds = 0.5 } };
        var received = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var upstream = await FakeUpstream.StartAsync(s_bad, s_bad, context =>
        {
            received.TrySetResult();
            return FakeUpstream.HangAsync(context);
        });
        await _bench.AskAsync(upstream.Url);
        await _bench.AskAsync(upstream.Url);
        _time.Advance(TimeSpan.FromSeconds(0.6));
        using var stop = new CancellationTokenSource();
        var probe = _bench.AskAsync(upstream.Url, cancellationToken: stop.Token);
        await received.Task.WaitAsync(TimeSpan.FromSeconds(60));

        Assert.Equal(ErrorTypes.CircuitOpen, (await _bench.AskAsync(upstream.Url)).Error!.Type);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => probe);

        Assert.Equal(ErrorTypes.CircuitOpen, (await _bench.AskAsync(upstream.Url)).Error!.Type);
        Assert.Equal(3, upstream.Received.Count);
    }

    // The time limit of an attempt is far longer.
    private Task UntilItWaitsAsync() => _time.WaitForTimerAsync(TimeSpan.FromSeconds(5));
}
