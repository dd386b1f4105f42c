using System.Net;
using LlmWorkflow.Simulator.Ledger;
using LlmWorkflow.Simulator.RateLimits;

namespace LlmWorkflow.Tests.Simulator;

public sealed class RateLimitTests : SimulatorWire
{
    private readonly Clock _time = new();

    [Fact]
    public void Bucket_Emptied_LetsOneThroughEverySecondOf60APerMinute()
    {
        var limiter = new RateLimiter(new RateLimit { RequestsPerMinute = 60, Capacity = 3 }, _time);

        Assert.Equal([false, false, false, true], Enumerable.Range(0, 4).Select(_ => limiter.Decide(0).Limited).ToList());
        var refused = limiter.Decide(0);
        Assert.Equal(1, refused.FreeAfter.TotalSeconds, 0.001);
        Assert.Equal((60, 0), (refused.Requests!.Limit, refused.Requests.Remaining));
        Assert.Equal(3, refused.Requests.UntilFull.TotalSeconds, 0.001);

        _time.Advance(refused.FreeAfter);

        Assert.False(limiter.Decide(0).Limited);
        Assert.True(limiter.Decide(0).Limited);
    }

    [Fact]
    public void Fixed_Emptied_IsFullAgainWhenTheMinuteIsOver()
    {
        var limiter = new RateLimiter(new RateLimit { RequestsPerMinute = 2, Window = RateWindowKind.Fixed }, _time);
        limiter.Decide(0);
        _time.Advance(TimeSpan.FromSeconds(50));
        limiter.Decide(0);

        Assert.Equal(10, limiter.Decide(0).FreeAfter.TotalSeconds, 0.001);

        _time.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal([false, false, true], Enumerable.Range(0, 3).Select(_ => limiter.Decide(0).Limited).ToList());
    }

    [Fact]
    public void Sliding_Emptied_FreesEachCallAMinuteAfterIt()
    {
        var limiter = new RateLimiter(new RateLimit { RequestsPerMinute = 2, Window = RateWindowKind.Sliding }, _time);
        limiter.Decide(0);
        _time.Advance(TimeSpan.FromSeconds(50));
        limiter.Decide(0);

        Assert.Equal(10, limiter.Decide(0).FreeAfter.TotalSeconds, 0.001);

        _time.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal([false, true], Enumerable.Range(0, 2).Select(_ => limiter.Decide(0).Limited).ToList());
        Assert.Equal(50, limiter.Decide(0).FreeAfter.TotalSeconds, 0.001);
    }

    [Fact]
    public void Tokens_TooMany_AreRefusedThoughCallsAreFree()
    {
        var limiter = new RateLimiter(new RateLimit { RequestsPerMinute = 100, TokensPerMinute = 600 }, _time);

        Assert.False(limiter.Decide(590).Limited);
        var refused = limiter.Decide(20);

        Assert.True(refused is { Limited: true, LimitedByTokens: true });
        Assert.Equal((99, 10), (refused.Requests!.Remaining, refused.Tokens!.Remaining));
        Assert.Equal(1, refused.FreeAfter.TotalSeconds, 0.001);
    }

    [Theory]
    [InlineData(20, "20ms")]
    [InlineData(1500, "1.5s")]
    [InlineData(6000, "6s")]
    [InlineData(360_000, "6m0s")]
    public void Duration_Any_IsWrittenAsOpenAiDoes(int milliseconds, string text) =>
        Assert.Equal(text, RateLimitHeaders.Duration(TimeSpan.FromMilliseconds(milliseconds)));

    [Fact]
    public async Task RateLimit_OpenAi_TrueHeadersOnEveryAnswerAndEachKeyAndModelItsOwn()
    {
        await BehaveAsync("""{"latency_ms":0,"output_tokens":1,"rate_limit":{"requests_per_minute":2,"tokens_per_minute":10000}}""");

        var (first, _) = await SendAsync(OpenAiRequest(OpenAiBody(more: ""","max_tokens":95""")));
        await SendAsync(OpenAiRequest(OpenAiBody()));
        var (refused, body) = await SendAsync(OpenAiRequest(OpenAiBody()));
        var (otherKey, _) = await SendAsync(OpenAiRequest(OpenAiBody(), key: "sk-other"));
        var (otherModel, _) = await SendAsync(OpenAiRequest(OpenAiBody(model: "gpt-4o-mini")));

        Assert.Equal(("2", "1"), (Header(first, "x-ratelimit-limit-requests"), Header(first, "x-ratelimit-remaining-requests")));
        Assert.Equal(("10000", "9900"), (Header(first, "x-ratelimit-limit-tokens"), Header(first, "x-ratelimit-remaining-tokens")));
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.Equal("rate_limit_exceeded", body.GetProperty("error").GetProperty("code").GetString());
        Assert.Equal("0", Header(refused, "x-ratelimit-remaining-requests"));
        var free = int.Parse(Header(refused, "retry-after-ms"));
        Assert.InRange(free, 15_000, 30_000);
        Assert.Equal($"{(free + 999) / 1000}", Header(refused, "retry-after"));
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (otherKey.StatusCode, otherModel.StatusCode));
    }

    [Theory]
    [InlineData("", "anthropic-ratelimit-requests-remaining")]
    [InlineData(""","headers":"openai" """, "x-ratelimit-remaining-requests")]
    [InlineData(""","headers":"openrouter" """, "x-ratelimit-remaining")]
    public async Task RateLimit_Anthropic_HeadersInTheFormAsked(string headers, string name)
    {
        await BehaveAsync($$$"""{"latency_ms":0,"output_tokens":1,"rate_limit":{"requests_per_minute":1{{{headers}}} }}""");

        await SendAsync(AnthropicRequest(AnthropicBody()));
        var (refused, body) = await SendAsync(AnthropicRequest(AnthropicBody()));

        Assert.Equal("0", Header(refused, name));
        Assert.InRange(int.Parse(Header(refused, "retry-after")), 30, 60);
        Assert.Equal("rate_limit_error", body.GetProperty("error").GetProperty("type").GetString());
    }

    [Fact]
    public async Task RateLimit_HeadersNone_TellsNothing()
    {
        await BehaveAsync("""{"rate_limit":{"requests_per_minute":0,"headers":"none"}}""");

        var (refused, _) = await SendAsync(AnthropicRequest(AnthropicBody()));

        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.Null(refused.Headers.RetryAfter);
        Assert.DoesNotContain(refused.Headers, header => header.Key.Contains("ratelimit", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task Windows_AfterCalls_CountAnsweredAndLimited()
    {
        await BehaveAsync("""[{"latency_ms":0,"output_tokens":1,"rate_limit":{"requests_per_minute":2}},{"match":{"text":"broken"},"error_status":500}]""");
        foreach (var prompt in new[] { "a", "broken", "c", "d" })
        {
            await SendAsync(OpenAiRequest(OpenAiBody(prompt)));
        }

        await SendAsync(OpenAiRequest(OpenAiBody(model: "gpt-4o-mini")));

        var view = Parse(await Http.GetStringAsync("/_control/ledger/windows?model=gpt-4o&path=/openai"));

        Assert.Equal((1, 2, 1), (view.GetProperty("answered").GetInt32(), view.GetProperty("limited").GetInt32(), view.GetProperty("failed").GetInt32()));
        Assert.Equal(2, Assert.Single(view.GetProperty("windows").EnumerateArray()).GetProperty("limited").GetInt32());
    }

    [Theory]
    [InlineData(1.0, 3)]
    [InlineData(0.5, 2)]
    [InlineData(100.0, 5)]
    public void LedgerWindows_Most_IsThatOfTheFullestSlidingWindow(double seconds, int most)
    {
        // Three lie within a second, but on both sides of the border of two windows.
        var calls = new[] { 0, 0.6, 1.1, 1.5, 5 }.Select(at => new LedgerEntry { Id = "", At = DateTimeOffset.UnixEpoch.AddSeconds(at), Path = "/x", Outcome = CallOutcome.Completed });

        Assert.Equal(most, LedgerWindows.Of(calls, model: null, TimeSpan.FromSeconds(seconds)).Most);
    }

    [Fact]
    public void LedgerWindows_CallsOverTime_FallIntoTheirWindows()
    {
        var calls = new[] { 0, 59, 60, 61, 185 }.Select((seconds, index) => new LedgerEntry
        {
            Id = "x", Path = "/x", At = DateTimeOffset.UnixEpoch.AddSeconds(seconds), Outcome = CallOutcome.Completed, Status = index == 2 ? 429 : 200,
        });

        var view = LedgerWindows.Of(calls.Reverse(), model: null, TimeSpan.FromMinutes(1));

        Assert.Equal([(2, 0), (1, 1), (0, 0), (1, 0)], view.Windows.Select(window => (window.Answered, window.Limited)));
        Assert.Equal(DateTimeOffset.UnixEpoch.AddSeconds(180), view.Windows[3].From);
    }

    /// <summary>Monotonic time that stands still until it is moved.</summary>
    private sealed class Clock : TimeProvider
    {
        private long _ticks;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public void Advance(TimeSpan by) => _ticks += by.Ticks;

        public override long GetTimestamp() => _ticks;
    }
}
