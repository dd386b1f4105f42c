using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.ExternalServices;
using LlmWorkflow.Tests.Support;
using Microsoft.AspNetCore.Http;

namespace LlmWorkflow.Tests.Engine.ExternalServices;

/// <summary>Which calls are made again, and which failures count for the circuit breaker, over real HTTP.</summary>
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
    public async Task AskAsync_RetryAfterBeyondTheDeadline_IsTheErrorAsItIs()
    {
        await using var upstream = await FakeUpstream.StartAsync(FakeUpstream.Json("{}", 429, headers: ("Retry-After", "30")));

        var (_, error, _) = await _bench.AskAsync(upstream.Url, deadline: TimeProvider.System.GetUtcNow().AddSeconds(20));

        Assert.Equal((ErrorTypes.RateLimited, true, 30), (error!.Type, error.Retryable, error.RetryAfter));
        Assert.Single(upstream.Received);
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
        await received.Task.WaitAsync(TimeSpan.FromSeconds(60));

        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        await upstream.Aborted.WaitAsync(TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task AskAsync_ReplyWithTheKeyAndNul_HoldsNeither()
    {
        await using var upstream = await FakeUpstream.StartAsync(FakeUpstream.Json($$"""{"key":"{{_bench.Key}}","nul":"a\u0000b","text":"a\\u0000b"}"""));

        var (reply, _, _) = await _bench.AskAsync(upstream.Url, AuthPlace.Query);

        Assert.Equal("""{"key":"[REDACTED]","nul":"a\ufffdb","text":"a\\u0000b"}""", reply!.Body.GetRawText());
        _bench.AssertNoKey(reply);
    }

    private static Task Abort(HttpContext context)
    {
        context.Abort();
        return Task.CompletedTask;
    }
}
