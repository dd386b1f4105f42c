using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.ExternalServices;
using LlmWorkflow.Engine.ExternalServices.Pacing;
using LlmWorkflow.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmWorkflow.Tests.Engine.ExternalServices.Pacing;

public sealed class TokenBucketTests
{
    private static readonly BucketKey s_key = new("places", "");
    private static readonly ServiceRateLimit s_limit = new() { Requests = 1, Burst = 1 };

    private readonly VirtualTime _time = new();
    private readonly TokenBucket _bucket;

    public TokenBucketTests() =>
        _bucket = new(new MemoryBucketStore(_time, static () => 1, static _ => default), _time, NullLogger<TokenBucket>.Instance);

    [Fact]
    public async Task TakeAsync_TokenThere_GoesAtOnce() => Assert.Null(await TakeAsync());

    [Fact]
    public async Task TakeAsync_ClientOfRedisCancelsTheCall_GoesOnAlone()
    {
        RedisBucketStore redis = new(CancellingRedis.Create(), "t", _time);
        TokenBucket bucket = new(new FleetBucketStore(redis, static () => 1, _time, NullLogger.Instance), _time, NullLogger<TokenBucket>.Instance);

        Assert.Null(await bucket.TakeAsync(s_key, s_limit, null, CancellationToken.None));
    }

    [Fact]
    public async Task TakeAsync_TurnLater_WaitsForIt()
    {
        await TakeAsync();

        var second = TakeAsync();
        await _time.WaitForTimersAsync(1);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.False(second.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(0.03));

        Assert.Null(await second);
    }

    [Fact]
    public async Task TakeAsync_TurnAfterTheDeadline_IsRateLimitedAndTakesNoPlace()
    {
        await TakeAsync();
        await WaitOneAsync();

        var error = (await TakeAsync(_time.GetUtcNow() + TimeSpan.FromSeconds(1.5)))!;

        Assert.Equal((ErrorTypes.RateLimited, ErrorCategory.External, true, 2.1), (error.Type, error.Category, error.Retryable, error.RetryAfter));
        Assert.Contains("comes in 2.1 s", error.Message);
        Assert.Contains("'timeout_seconds'", Assert.Single(error.Details!.Suggestions));
        var next = TakeAsync();
        await _time.WaitForTimersAsync(2);
        _time.Advance(TimeSpan.FromSeconds(2.05));
        Assert.Null(await next);
    }

    [Fact]
    public async Task TakeAsync_Cancelled_GivesThePlaceBack()
    {
        await TakeAsync();
        using var stop = new CancellationTokenSource();
        var first = _bucket.TakeAsync(s_key, s_limit, null, stop.Token);
        await _time.WaitForTimersAsync(1);

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        var second = TakeAsync();
        await _time.WaitForTimersAsync(1);
        _time.Advance(TimeSpan.FromSeconds(1.03));

        Assert.Null(await second);
    }

    [Fact]
    public async Task PauseAsync_HoldsThoseWhoWaitToo()
    {
        await TakeAsync();
        var waiting = TakeAsync();
        await _time.WaitForTimersAsync(1);

        await _bucket.PauseAsync(s_key, TimeSpan.FromSeconds(3));
        _time.Advance(TimeSpan.FromSeconds(1.03));
        await _time.WaitForTimersAsync(1);
        Assert.False(waiting.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(1.9));
        await _time.WaitForTimersAsync(1);
        Assert.False(waiting.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(1.2));

        Assert.Null(await waiting);
    }

    [Fact]
    public async Task PauseAsync_BeyondTheDeadlineOfOneWhoWaits_TellsIt()
    {
        await TakeAsync();
        var waiting = TakeAsync(_time.GetUtcNow() + TimeSpan.FromSeconds(10));
        await _time.WaitForTimersAsync(1);

        await _bucket.PauseAsync(s_key, TimeSpan.FromSeconds(60));
        _time.Advance(TimeSpan.FromSeconds(1.03));

        var error = (await waiting)!;
        Assert.Equal(ErrorTypes.RateLimited, error.Type);
        Assert.InRange(error.RetryAfter!.Value, 58, 61);
    }

    [Fact]
    public async Task PauseAsync_ServiceWithoutLimit_IsHonoured()
    {
        await _bucket.PauseAsync(s_key, TimeSpan.FromSeconds(3));

        var waiting = _bucket.TakeAsync(s_key, null, null, CancellationToken.None);
        await _time.WaitForTimersAsync(1);
        _time.Advance(TimeSpan.FromSeconds(3));

        Assert.Null(await waiting);
        Assert.Null(await _bucket.TakeAsync(s_key, null, null, CancellationToken.None));
    }

    [Fact]
    public async Task PauseAsync_OneKey_LeavesOthersAlone()
    {
        await _bucket.PauseAsync(s_key, TimeSpan.FromSeconds(3));

        Assert.Null(await _bucket.TakeAsync(s_key with { Credential = "abc" }, s_limit, null, CancellationToken.None));
        Assert.Null(await _bucket.TakeAsync(s_key with { Service = "weather" }, s_limit, null, CancellationToken.None));
    }

    [Fact]
    public async Task TakeAsync_FileWithAFasterPace_CountsAtTheNextLook()
    {
        ServiceRateLimit slow = new() { Requests = 1, PerSeconds = 100, Burst = 1 };
        await _bucket.TakeAsync(s_key, slow, null, CancellationToken.None);
        var waiting = _bucket.TakeAsync(s_key, slow, null, CancellationToken.None);
        await _time.WaitForTimersAsync(1);

        var next = TakeAsync();
        await _time.WaitForTimersAsync(2);
        _time.Advance(TimeSpan.FromSeconds(5));

        Assert.Null(await waiting);
        Assert.Null(await next);
    }

    private Task<WorkflowError?> TakeAsync(DateTimeOffset? deadline = null) => _bucket.TakeAsync(s_key, s_limit, deadline, CancellationToken.None);

    private async Task WaitOneAsync()
    {
        _ = TakeAsync();
        await _time.WaitForTimersAsync(1);
    }
}
