using System.Diagnostics;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.ExternalServices;
using LlmWorkflow.Tests.Support;
using Microsoft.AspNetCore.Http;

namespace LlmWorkflow.Tests.Engine.ExternalServices;

/// <summary>Retries, circuit breaker and pauses, over real HTTP.</summary>
public sealed class ServiceExchangeTests : IDisposable
{
    private static readonly Func<HttpContext, Task> s_good = FakeUpstream.Json("{}");
    private static readonly Func<HttpContext, Task> s_bad = FakeUpstream.Json("{}", 500);

    private readonly ExchangeBench _bench = new();

    public ServiceExchangeTests() => _bench.Service = _bench.Service with
    {
        Name = $"s{Guid.NewGuid():N}",
        Retry = new() { MaxAttempts = 3, InitialDelaySeconds = 0.02, MaxDelaySeconds = 0.1 },
    };

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task AskAsync_FailsTwice_SucceedsAtTheThirdAttempt()
    {
        await using var upstream = await FakeUpstream.StartAsync(s_bad, context => Abort(context), FakeUpstream.Json("""{"a":1}"""));

        var (reply, _, status) = await _bench.AskAsync(upstream.Url);

        Assert.Equal(("""{"a":1}""", 200), (reply!.Body.GetRawText(), status));
        Assert.Equal([1, 2, 3], _bench.Attempts);
    }

    [Theory]
    [InlineData(500, "GET", false, 3)]
    [InlineData(500, "PUT", false, 3)]
    [InlineData(500, "POST", false, 1)]
    [InlineData(500, "PATCH", false, 1)]
    [InlineData(500, "POST", true, 3)]
    [InlineData(429, "POST", false, 3)]
    [InlineData(400, "GET", false, 1)]
    [InlineData(401, "GET", false, 1)]
    public async Task AskAsync_Status_IsRetriedWhereItHelpsAndDoesNoHarm(int status, string method, bool idempotent, int attempts)
    {
        await using var upstream = await FakeUpstream.StartAsync(FakeUpstream.Json("{}", status, headers: ("Retry-After", "0")));

        var answer = await _bench.AskAsync(upstream.Url, operation: idempotent ? "put" : "get", method: new(method));

        Assert.Equal(status, answer.Status);
        Assert.Equal(attempts, upstream.Received.Count);
    }

    [Fact]
    public async Task AskAsync_PostThatCouldNotConnect_IsRetried()
    {
        var (_, error, _) = await _bench.AskAsync(new Uri("http://127.0.0.1:1/"), method: HttpMethod.Post);

        Assert.Equal(ErrorTypes.NetworkError, error!.Type);
        Assert.Equal([1, 2, 3], _bench.Attempts);
    }

    [Fact]
    public async Task AskAsync_PostThatBroke_IsNotRetried()
    {
        await using var upstream = await FakeUpstream.StartAsync(context => Abort(context));

        Assert.Equal(ErrorTypes.NetworkError, (await _bench.AskAsync(upstream.Url, method: HttpMethod.Post)).Error!.Type);
        Assert.Single(upstream.Received);
    }

    [Fact]
    public async Task AskAsync_RetryAfterLongerThanTheMaximum_IsHonoured()
    {
        await using var upstream = await FakeUpstream.StartAsync(FakeUpstream.Json("{}", 503, headers: ("Retry-After", "1")), s_good);
        var started = Stopwatch.GetTimestamp();

        Assert.NotNull((await _bench.AskAsync(upstream.Url)).Reply);

        Assert.InRange(Stopwatch.GetElapsedTime(started).TotalSeconds, 1, 3);
    }

    [Fact]
    public async Task AskAsync_RetryAfterBeyondTheDeadline_IsTheErrorAsItIs()
    {
        await using var upstream = await FakeUpstream.StartAsync(FakeUpstream.Json("{}", 429, headers: ("Retry-After", "30")));

        var (_, error, _) = await _bench.AskAsync(upstream.Url, deadline: TimeProvider.System.GetUtcNow().AddSeconds(20));

        Assert.Equal((ErrorTypes.RateLimited, true, 30), (error!.Type, error.Retryable, error.RetryAfter));
        Assert.Single(upstream.Received);
    }

    [Theory]
    [InlineData(429, "1", 1)]
    [InlineData(503, "1", 1)]
    [InlineData(429, null, 1)]
    [InlineData(503, null, 0)]
    public async Task AskAsync_ServiceAsksToWait_HoldsOtherCallsBack(int status, string? retryAfter, double seconds)
    {
        _bench.Service = _bench.Service with { Retry = new() { MaxAttempts = 1 } };
        var header = retryAfter is null ? ("X-A", "b") : ("Retry-After", retryAfter);
        await using var upstream = await FakeUpstream.StartAsync(FakeUpstream.Json("{}", status, headers: header), s_good);
        await _bench.AskAsync(upstream.Url);
        var started = Stopwatch.GetTimestamp();

        Assert.NotNull((await _bench.AskAsync(upstream.Url)).Reply);

        Assert.InRange(Stopwatch.GetElapsedTime(started).TotalSeconds, seconds * 0.9, seconds + 0.8);
        Assert.Equal(seconds > 0 ? [2311] : [], _bench.Log.Ids);
    }

    [Fact]
    public async Task AskAsync_RateLimitInsideA200_PausesToo()
    {
        _bench.Service = _bench.Service with { Retry = new() { MaxAttempts = 1 } };
        await using var upstream = await FakeUpstream.StartAsync(FakeUpstream.Json("""{"error":{"code":429}}"""), s_good);

        var (_, error, status) = await _bench.AskAsync(upstream.Url);

        Assert.Equal((ErrorTypes.RateLimited, 200), (error!.Type, status));
        var late = await _bench.AskAsync(upstream.Url, deadline: TimeProvider.System.GetUtcNow().AddMilliseconds(300));
        Assert.Equal(ErrorTypes.RateLimited, late.Error!.Type);
        Assert.InRange(late.Error.RetryAfter!.Value, 0.3, 1);
        Assert.Single(upstream.Received);
    }

    [Fact]
    public async Task AskAsync_TurnAfterTheDeadline_SendsNothing()
    {
        _bench.Service = _bench.Service with { RateLimit = new() { Requests = 1, PerSeconds = 60, Burst = 1 } };
        await using var upstream = await FakeUpstream.StartAsync(s_good);
        await _bench.AskAsync(upstream.Url);

        var (_, error, status) = await _bench.AskAsync(upstream.Url, deadline: TimeProvider.System.GetUtcNow().AddSeconds(10));

        Assert.Equal((ErrorTypes.RateLimited, 0), (error!.Type, status));
        Assert.InRange(error.RetryAfter!.Value, 59, 63);
        Assert.Single(upstream.Received);
    }

    [Fact]
    public async Task AskAsync_ServiceFailsAgainAndAgain_IsLeftAloneForAWhile()
    {
        _bench.Service = _bench.Service with
        {
            Retry = new() { MaxAttempts = 1 },
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
        Assert.InRange(error.RetryAfter!.Value, 0.1, 1);
        Assert.Equal(4, upstream.Received.Count);

        // Other changes of the file do not close it; then one call is let through.
        broken = false;
        _bench.Service = _bench.Service with { Retry = new() { MaxAttempts = 2 }, TimeoutSeconds = 6 };
        Assert.NotNull((await _bench.AskAsync(upstream.Url, method: HttpMethod.Post)).Reply);
        Assert.NotNull((await _bench.AskAsync(upstream.Url)).Reply);
        Assert.Equal([2312, 2313], _bench.Log.Ids);
    }

    [Fact]
    public async Task AskAsync_OpenCircuitWithAnotherPolicyInTheFile_StartsClosed()
    {
        _bench.Service = _bench.Service with { Retry = new() { MaxAttempts = 1 }, CircuitBreaker = new() { MinimumCalls = 2, OpenSeconds = 60 } };
        await using var upstream = await FakeUpstream.StartAsync(s_bad, s_bad, s_good);
        await _bench.AskAsync(upstream.Url);
        await _bench.AskAsync(upstream.Url);
        Assert.Equal(ErrorTypes.CircuitOpen, (await _bench.AskAsync(upstream.Url, deadline: TimeProvider.System.GetUtcNow().AddSeconds(5))).Error!.Type);

        _bench.Service = _bench.Service with { CircuitBreaker = new() { MinimumCalls = 3 } };

        Assert.NotNull((await _bench.AskAsync(upstream.Url)).Reply);
    }

    [Theory]
    [InlineData(400)]
    [InlineData(429)]
    public async Task AskAsync_RefusalsThatAreNotTheServicesFailure_LeaveTheCircuitClosed(int status)
    {
        _bench.Service = _bench.Service with { Retry = new() { MaxAttempts = 1 }, CircuitBreaker = new() { MinimumCalls = 2 } };
        await using var upstream = await FakeUpstream.StartAsync(FakeUpstream.Json("{}", status, headers: ("Retry-After", "0")));
        for (var i = 0; i < 4; i++)
        {
            Assert.Equal(status, (await _bench.AskAsync(upstream.Url)).Status);
        }
    }

    [Fact]
    public async Task AskAsync_Cancelled_ThrowsAndCloses()
    {
        using var stop = new CancellationTokenSource();
        var received = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var upstream = await FakeUpstream.StartAsync(context =>
        {
            received.TrySetResult();
            return FakeUpstream.HangAsync(context);
        });
        var call = _bench.AskAsync(upstream.Url, cancellationToken: stop.Token);
        await received.Task.WaitAsync(TimeSpan.FromSeconds(10));

        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        await upstream.Aborted.WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task AskAsync_ReplyWithTheKeyAndNul_HoldsNeither()
    {
        await using var upstream = await FakeUpstream.StartAsync(FakeUpstream.Json($$"""{"key":"{{_bench.Key}}","nul":"a\u0000b","text":"a\\u0000b"}"""));

        var (reply, _, _) = await _bench.AskAsync(upstream.Url, AuthPlace.Query);

        Assert.Equal("""{"key":"[REDACTED]","nul":"a\ufffdb","text":"a\\u0000b"}""", reply!.Body.GetRawText());
        _bench.AssertNoKey(reply);
    }

    [Fact]
    public async Task AskAsync_ProbeUnderWay_KeepsOthersBackAndACancelledOneClosesNothing()
    {
        _bench.Service = _bench.Service with { Retry = new() { MaxAttempts = 1 }, CircuitBreaker = new() { MinimumCalls = 2, OpenSeconds = 0.5 } };
        var received = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var upstream = await FakeUpstream.StartAsync(s_bad, s_bad, context =>
        {
            received.TrySetResult();
            return FakeUpstream.HangAsync(context);
        });
        await _bench.AskAsync(upstream.Url);
        await _bench.AskAsync(upstream.Url);
        await Task.Delay(TimeSpan.FromSeconds(0.6), TimeProvider.System);
        using var stop = new CancellationTokenSource();
        var probe = _bench.AskAsync(upstream.Url, cancellationToken: stop.Token);
        await received.Task.WaitAsync(TimeSpan.FromSeconds(10));

        Assert.Equal(ErrorTypes.CircuitOpen, (await _bench.AskAsync(upstream.Url)).Error!.Type);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => probe);

        Assert.Equal(ErrorTypes.CircuitOpen, (await _bench.AskAsync(upstream.Url)).Error!.Type);
        Assert.Equal(3, upstream.Received.Count);
    }

    private static Task Abort(HttpContext context)
    {
        context.Abort();
        return Task.CompletedTask;
    }
}
