using System.Text.Json;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Providers;
using LlmWorkflow.Tests.Support;
using static LlmWorkflow.Tests.Engine.Providers.LlmFixture;

namespace LlmWorkflow.Tests.Engine.Providers;

public sealed class LlmCallerTests
{
    private static readonly string[] Hello = [": OPENROUTER PROCESSING", Chunk("Hel"), Chunk("lo, "), ": OPENROUTER PROCESSING", Chunk("world"), StopChunk, UsageChunk, "[DONE]"];

    [Fact]
    public async Task Call_StreamedReply_GivesPiecesInOrderAndSettlesOnce()
    {
        await using var fixture = await StartAsync(FakeUpstream.Sse(Hello));

        var outcome = await fixture.CallAsync();

        Assert.Null(outcome.Error);
        Assert.Equal("Hello, world", outcome.Reply!.Content);
        Assert.Equal("stop", outcome.Reply.FinishReason);
        Assert.Equal("anthropic/claude-haiku-4.5-20251001", outcome.Reply.Model);
        Assert.Equal("gen-1", outcome.Reply.ResponseId);
        Assert.Equal([(0, "Hel"), (0, "lo, "), (0, "world")], fixture.Deltas);
        var settlement = Assert.Single(fixture.Ledger.Settlements);
        Assert.Equal(CallState.Settled, settlement.State);
        Assert.Equal(new TokenUsage { InputTokens = 120, OutputTokens = 30, CacheReadTokens = 100, CacheWriteTokens = 7, ReasoningTokens = 9 }, settlement.Usage);
        Assert.Equal(0.000270m, settlement.ReportedUsd);
        Assert.Equal("reported", settlement.CostSource);
        Assert.Null(settlement.ErrorType);
        Assert.Equal(100, settlement.Metadata.GetProperty("usage").GetProperty("prompt_tokens_details").GetProperty("cached_tokens").GetInt32());
        Assert.Equal("Anthropic", settlement.Metadata.GetProperty("upstream_provider").GetString());
    }

    [Fact]
    public async Task Call_StreamedRequest_SendsAllParameters()
    {
        await using var fixture = await StartAsync(FakeUpstream.Sse(Hello), options => options.OpenRouterReferer = "https://app.example");

        await fixture.CallAsync();

        var request = Assert.Single(fixture.Upstream.Received);
        Assert.Equal("/api/v1/chat/completions", request.Path);
        Assert.Equal("Bearer " + Key, request.Headers["Authorization"]);
        Assert.Equal("https://app.example", request.Headers["HTTP-Referer"]);
        Assert.Equal("LlmWorkflow", request.Headers["X-Title"]);
        Assert.Equal(
            """{"model":"anthropic/claude-haiku-4.5","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Say hello to the world."}],"stream":true,"max_tokens":200,"temperature":0.7,"top_p":0.9,"stop":["END"],"seed":42,"stream_options":{"include_usage":true}}""",
            request.Body);
    }

    [Fact]
    public async Task Call_PlainReply_GivesSameAsStream()
    {
        await using var fixture = await StartAsync(FakeUpstream.Json(
            """{"id":"gen-2","model":"m2","choices":[{"message":{"role":"assistant","content":"Hi"},"finish_reason":"length"}],"usage":{"prompt_tokens":10,"completion_tokens":2,"total_tokens":12,"cost":0.5,"is_byok":true,"cost_details":{"upstream_inference_cost":0.25}}}"""));

        var outcome = await fixture.CallAsync(stream: false);

        Assert.Equal(("Hi", "length", "m2", "gen-2"), (outcome.Reply!.Content, outcome.Reply.FinishReason, outcome.Reply.Model, outcome.Reply.ResponseId));
        var settlement = Assert.Single(fixture.Ledger.Settlements);
        Assert.Equal((10, 2), (settlement.Usage.InputTokens, settlement.Usage.OutputTokens));
        Assert.Equal(0.75m, settlement.ReportedUsd);
        Assert.Equal([(0, "Hi")], fixture.Deltas);
        Assert.DoesNotContain("stream_options", Assert.Single(fixture.Upstream.Received).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Call_Reservation_IsWrittenBeforeTheRequestWithItsWorstCase()
    {
        RecordingLedger? ledger = null;
        var reservedFirst = false;
        await using var fixture = await StartAsync(async context =>
        {
            reservedFirst = ledger!.Reservations.Count == 1 && ledger.Settlements.Count == 0;
            await FakeUpstream.Sse(Hello)(context);
        });
        ledger = fixture.Ledger;

        await fixture.CallAsync();

        Assert.True(reservedFirst);
        var reservation = Assert.Single(ledger.Reservations);
        // 9 + 23 bytes and 8 tokens per message at 1 USD per million, 200 at 5.
        Assert.Equal(((9 + 23 + 16) * 1m + 200 * 5m) / 1_000_000, reservation.ReservedUsd);
        Assert.Equal(CallPurpose.Useful, reservation.Purpose);
        Assert.True(reservation.EstimatedUsd < reservation.ReservedUsd);
    }

    [Fact]
    public async Task Call_SettledReplyOfSameRequest_IsUsedAgainWithoutCall()
    {
        await using var fixture = await StartAsync(FakeUpstream.Sse(Hello));
        var first = await fixture.CallAsync();

        var second = await fixture.CallAsync();

        Assert.True(second.Reused);
        Assert.Equal(first.Reply, second.Reply);
        Assert.Single(fixture.Upstream.Received);
        Assert.Single(fixture.Ledger.Reservations);
        Assert.Single(fixture.Ledger.Settlements);
    }

    [Fact]
    public async Task Call_SettledReplyOfOtherRequest_IsNotUsed()
    {
        await using var fixture = await StartAsync(FakeUpstream.Sse(Hello));
        await fixture.CallAsync();

        var second = await fixture.Caller.CallAsync(await fixture.RequestAsync("Another prompt"), CancellationToken.None);

        Assert.False(second.Reused);
        Assert.Equal(2, fixture.Upstream.Received.Count);
        Assert.Equal([0, 1], fixture.Ledger.Reservations.Select(reservation => reservation.Key.Ordinal));
        Assert.Equal(CallPurpose.Retry, fixture.Ledger.Reservations[1].Purpose);
    }

    [Fact]
    public async Task Call_ReservationRefused_ThrowsLeaseLostAndAsksNobody()
    {
        await using var fixture = await StartAsync(FakeUpstream.Sse(Hello));
        fixture.Ledger.Refuse = true;

        await Assert.ThrowsAsync<LeaseLostException>(() => fixture.CallAsync());

        Assert.Empty(fixture.Upstream.Received);
        Assert.Empty(fixture.Ledger.Settlements);
    }

    [Fact]
    public async Task Call_CutStream_IsAbortedWithEstimatedTokens()
    {
        await using var fixture = await StartAsync(FakeUpstream.CutSse(Chunk("12345678"), Chunk("1234")));

        var outcome = await fixture.CallAsync();

        Assert.Equal((ErrorTypes.NetworkError, true), (outcome.Error!.Type, outcome.Error.Retryable));
        var settlement = Assert.Single(fixture.Ledger.Settlements);
        Assert.Equal((CallState.Aborted, ErrorTypes.NetworkError), (settlement.State, settlement.ErrorType));
        // 9 and 23 characters in, 12 out, 4 per token.
        Assert.Equal(new TokenUsage { InputTokens = 3 + 6, OutputTokens = 3, Estimated = true }, settlement.Usage);
        Assert.Equal(JsonValueKind.Undefined, settlement.Reply.ValueKind);
        Assert.Equal(TokenEstimate.Method, settlement.Metadata.GetProperty("estimated_by").GetString());
        // The dated name that answered is the requested model's own snapshot, so that model's price counts.
        var call = await fixture.OnlyCallAsync();
        Assert.Equal(((9 * 1m + 3 * 5m) / 1_000_000, "estimated"), (call.CostUsd!.Value, call.CostSource));
    }

    [Fact]
    public async Task Call_OtherModelAnswersWithoutPriceOrReportedCost_CostIsUnknown()
    {
        await using var fixture = await StartAsync(FakeUpstream.Json(
            """{"model":"anthropic/claude-haiku-4.5-fast","choices":[{"message":{"content":"x"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}"""));

        var outcome = await fixture.CallAsync(stream: false);

        Assert.Equal((null, "unknown"), (outcome.Call!.CostUsd, outcome.Call.CostSource));
    }

    [Fact]
    public async Task Call_StreamThatEndsWithoutFinishReason_IsCut()
    {
        await using var fixture = await StartAsync(FakeUpstream.Sse(Chunk("half")));

        Assert.Equal(ErrorTypes.NetworkError, (await fixture.CallAsync()).Error!.Type);
    }

    [Fact]
    public async Task Call_ConnectionLostAfterFinishReason_KeepsThePaidReply()
    {
        await using var fixture = await StartAsync(FakeUpstream.CutSse(Chunk("whole"), StopChunk));

        var outcome = await fixture.CallAsync();

        Assert.Equal("whole", outcome.Reply!.Content);
        Assert.True(outcome.Call!.Usage.Estimated);
        Assert.Equal(CallState.Settled, outcome.Call.State);
    }

    [Theory]
    [InlineData(400, """{"error":{"code":400,"message":"bad temperature"}}""", ErrorTypes.UpstreamBadRequest, ErrorCategory.External, false)]
    [InlineData(400, """{"error":{"code":400,"message":"This endpoint's maximum context length is 8192 tokens"}}""", ErrorTypes.ContextTooLong, ErrorCategory.External, false)]
    [InlineData(400, """{"error":{"code":400,"message":"x","metadata":{"error_type":"context_length_exceeded"}}}""", ErrorTypes.ContextTooLong, ErrorCategory.External, false)]
    [InlineData(401, """{"error":{"code":401,"message":"No auth credentials found"}}""", ErrorTypes.AuthenticationFailed, ErrorCategory.Config, false)]
    [InlineData(402, """{"error":{"code":402,"message":"Insufficient credits"}}""", ErrorTypes.QuotaExceeded, ErrorCategory.External, false)]
    [InlineData(403, """{"error":{"code":403,"message":"flagged","metadata":{"reasons":["violence"],"flagged_input":"…"}}}""", ErrorTypes.ContentFiltered, ErrorCategory.External, false)]
    [InlineData(403, """{"error":{"code":403,"message":"no"}}""", ErrorTypes.AuthenticationFailed, ErrorCategory.Config, false)]
    [InlineData(404, """{"error":{"code":404,"message":"No endpoints found"}}""", ErrorTypes.UpstreamBadRequest, ErrorCategory.Config, false)]
    [InlineData(408, "", ErrorTypes.UpstreamTimeout, ErrorCategory.External, true)]
    [InlineData(429, """{"error":{"code":429,"message":"slow down"}}""", ErrorTypes.RateLimited, ErrorCategory.External, true)]
    [InlineData(429, """{"error":{"code":"insufficient_quota","message":"pay"}}""", ErrorTypes.QuotaExceeded, ErrorCategory.External, false)]
    [InlineData(500, "<html>", ErrorTypes.UpstreamServerError, ErrorCategory.External, true)]
    [InlineData(502, """{"error":{"code":502,"message":"bad gateway"}}""", ErrorTypes.UpstreamServerError, ErrorCategory.External, true)]
    [InlineData(503, """{"error":{"code":503,"message":"none"}}""", ErrorTypes.Overloaded, ErrorCategory.External, true)]
    [InlineData(529, """{"error":{"type":"overloaded_error","message":"Overloaded"}}""", ErrorTypes.Overloaded, ErrorCategory.External, true)]
    [InlineData(302, "", ErrorTypes.UpstreamBadRequest, ErrorCategory.Config, false)]
    [InlineData(200, """{"error":{"code":429,"message":"upstream busy"}}""", ErrorTypes.RateLimited, ErrorCategory.External, true)]
    [InlineData(200, """{"choices":[{"error":{"code":502,"message":"x","metadata":{"error_type":"provider_overloaded"}}}]}""", ErrorTypes.Overloaded, ErrorCategory.External, true)]
    public async Task Call_RefusedRequest_IsTypedErrorWithoutCost(int status, string body, string type, object category, bool retryable)
    {
        await using var fixture = await StartAsync(FakeUpstream.Json(body, status, headers: ("Location", "http://127.0.0.1:1/elsewhere")));

        foreach (var stream in new[] { false, true })
        {
            // A stream carries its error as an event.
            var outcome = await fixture.CallAsync(stream: stream && status != 200);
            Assert.Equal((type, (ErrorCategory)category, retryable), (outcome.Error!.Type, outcome.Error.Category, outcome.Error.Retryable));
            Assert.NotEmpty(outcome.Error.Details!.Suggestions);
            Assert.Equal((CallState.Aborted, new TokenUsage(), 0m), (outcome.Call!.State, outcome.Call.Usage, outcome.Call.CostUsd));
        }

        Assert.Equal(2, fixture.Upstream.Received.Count);
    }

    [Theory]
    [InlineData("retry-after", "7", 7)]
    [InlineData("retry-after-ms", "1500", 1.5)]
    public async Task Call_RateLimit_CarriesRetryAfter(string header, string value, double seconds)
    {
        await using var fixture = await StartAsync(FakeUpstream.Json("{}", 429, headers: (header, value)));

        Assert.Equal(seconds, (await fixture.CallAsync()).Error!.RetryAfter);
    }

    [Fact]
    public async Task Call_ErrorInMidStream_IsAbortedWithWhatWasReceived()
    {
        await using var fixture = await StartAsync(FakeUpstream.Sse(
            Chunk("12345678"), """{"id":"gen-1","error":{"code":502,"message":"died","metadata":{"error_type":"provider_unavailable"}},"choices":[{"delta":{"content":""},"finish_reason":"error"}]}"""));

        var outcome = await fixture.CallAsync();

        Assert.Equal(ErrorTypes.Overloaded, outcome.Error!.Type);
        Assert.Equal((2, true), (outcome.Call!.Usage.OutputTokens, outcome.Call.Usage.Estimated));
    }

    [Fact]
    public async Task Call_MalformedChunk_IsInvalidResponse()
    {
        await using var fixture = await StartAsync(FakeUpstream.Sse(Chunk("a"), "{not json"));

        Assert.Equal(ErrorTypes.InvalidResponse, (await fixture.CallAsync()).Error!.Type);
        Assert.Single(fixture.Ledger.Settlements);
    }

    [Fact]
    public async Task Call_ContentFilterAsFinishReason_IsAbortedWithItsRealUsage()
    {
        await using var fixture = await StartAsync(FakeUpstream.Sse(
            Chunk("a"), StopChunk.Replace("\"stop\"", "\"content_filter\"", StringComparison.Ordinal), UsageChunk, "[DONE]"));

        var outcome = await fixture.CallAsync();

        Assert.Equal((ErrorTypes.ContentFiltered, false), (outcome.Error!.Type, outcome.Error.Retryable));
        Assert.Equal((CallState.Aborted, 150, 0.000270m), (outcome.Call!.State, outcome.Call.Usage.TotalTokens, outcome.Call.CostUsd));
    }

    [Theory]
    [InlineData("""{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}""")]
    [InlineData("""{"prompt_tokens":"abc","completion_tokens":[]}""")]
    [InlineData("null")]
    public async Task Call_UsageThatCountsNothing_IsEstimatedAndSaysSo(string usage)
    {
        await using var fixture = await StartAsync(FakeUpstream.Sse(
            Chunk("12345678"), StopChunk, $$"""{"id":"gen-1","model":"anthropic/claude-haiku-4.5-20251001","choices":[],"usage":{{usage}}}""", "[DONE]"));

        var outcome = await fixture.CallAsync();

        Assert.Equal(new TokenUsage { InputTokens = 9, OutputTokens = 2, Estimated = true }, outcome.Call!.Usage);
        Assert.Equal("estimated", outcome.Call.CostSource);
    }

    [Fact]
    public async Task Call_NothingListens_IsNetworkErrorWithoutCost()
    {
        await using var fixture = await StartAsync(FakeUpstream.Sse(Hello), options => options.OpenRouterBaseUrl = new Uri("http://127.0.0.1:1/api/v1"));

        var outcome = await fixture.CallAsync();

        Assert.Equal((ErrorTypes.NetworkError, true), (outcome.Error!.Type, outcome.Error.Retryable));
        Assert.Equal((new TokenUsage(), 0m), (outcome.Call!.Usage, outcome.Call.CostUsd));
    }

    [Fact]
    public async Task Call_ProviderThatNeverAnswers_TimesOutAndIsPossiblyBilled()
    {
        VirtualTime time = new();
        await using var fixture = await StartAsync(FakeUpstream.HangingSse(), time: time);

        var call = fixture.CallAsync();
        await fixture.Upstream.Asked;
        time.Advance(fixture.Options.ProviderTimeout);
        var outcome = await call;

        Assert.Equal((ErrorTypes.UpstreamTimeout, true), (outcome.Error!.Type, outcome.Error.Retryable));
        // Whether it went on with the answer nobody knows: no cost, and what was held for it stays held.
        Assert.Equal((CallState.PossiblyBilled, new TokenUsage(), null), (outcome.Call!.State, outcome.Call.Usage, outcome.Call.CostUsd));
        await fixture.Upstream.Aborted.WaitAsync(TimeSpan.FromSeconds(60));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Call_Cancelled_ClosesUpstreamAndSettles(bool answering)
    {
        using var cancel = new CancellationTokenSource();
        var received = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var fixture = await StartAsync(async context =>
        {
            received.TrySetResult();
            await FakeUpstream.HangingSse(answering ? [Chunk("12345678")] : [])(context);
        });
        var request = await fixture.RequestAsync();
        var first = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var call = fixture.Caller.CallAsync(request with { OnDelta = (_, _) => first.TrySetResult() }, cancel.Token);
        await (answering ? first.Task : received.Task).WaitAsync(TimeSpan.FromSeconds(60));

        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        await fixture.Upstream.Aborted.WaitAsync(TimeSpan.FromSeconds(60));

        var settlement = Assert.Single(fixture.Ledger.Settlements);
        Assert.Equal(
            (answering ? CallState.Aborted : CallState.PossiblyBilled, CallPurpose.Cancelled, ErrorTypes.Cancelled), (settlement.State, settlement.Purpose, settlement.ErrorType));
        Assert.Equal(answering ? new TokenUsage { InputTokens = 9, OutputTokens = 2, Estimated = true } : new TokenUsage(), settlement.Usage);
        Assert.Equal(answering, settlement.CostUsd is not null);
    }

    [Fact]
    public async Task Call_CancelledBeforeItStarts_WritesNothing()
    {
        await using var fixture = await StartAsync(FakeUpstream.Sse(Hello));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => fixture.CallAsync(cancellationToken: new CancellationToken(canceled: true)));

        Assert.Empty(fixture.Ledger.Reservations);
        Assert.Empty(fixture.Upstream.Received);
    }

    [Fact]
    public async Task Call_MissingKey_IsConfigErrorBeforeAnything()
    {
        await using var fixture = await StartAsync(FakeUpstream.Sse(Hello), options => options.OpenRouterApiKey = null);

        var outcome = await fixture.CallAsync();

        Assert.Equal((ErrorTypes.MissingSetting, ErrorCategory.Config), (outcome.Error!.Type, outcome.Error.Category));
        Assert.Contains("OPENROUTER_API_KEY", outcome.Error.Message, StringComparison.Ordinal);
        Assert.Empty(fixture.Ledger.Reservations);
        Assert.Empty(fixture.Upstream.Received);
    }

    [Fact]
    public async Task Call_UnknownProvider_NamesThoseThatExist()
    {
        await using var fixture = await StartAsync(FakeUpstream.Sse(Hello));
        var request = await fixture.RequestAsync();

        var outcome = await fixture.Caller.CallAsync(request with { Prompt = request.Prompt with { Provider = "nobody" } }, CancellationToken.None);

        Assert.Equal(ErrorTypes.UnknownProvider, outcome.Error!.Type);
        Assert.Contains("openrouter", outcome.Error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Call_CallbackThatThrows_IsSettledBeforeTheFaultLeaves()
    {
        await using var fixture = await StartAsync(FakeUpstream.Sse(Hello));
        var request = await fixture.RequestAsync();

        await Assert.ThrowsAsync<InvalidOperationException>(() =>
            fixture.Caller.CallAsync(request with { OnDelta = (_, _) => throw new InvalidOperationException() }, CancellationToken.None));

        Assert.Equal((CallState.Aborted, ErrorTypes.InternalError), (fixture.Ledger.Settlements[0].State, fixture.Ledger.Settlements[0].ErrorType));
        Assert.Single(fixture.Ledger.Settlements);
    }

    [Fact]
    public async Task Call_ErrorThatRepeatsTheKey_ShowsNoKey()
    {
        await using var fixture = await StartAsync(FakeUpstream.Json($$$"""{"error":{"code":401,"message":"Incorrect API key provided: {{{Key}}}."}}""", 401));

        var outcome = await fixture.CallAsync();

        Assert.DoesNotContain("0123456789", outcome.Error!.Message, StringComparison.Ordinal);
        Assert.Contains(Redactor.Redacted, outcome.Error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Call_NulInReply_IsReplaced()
    {
        await using var fixture = await StartAsync(FakeUpstream.Sse(Chunk("a\\u0000b"), StopChunk, "[DONE]"));

        Assert.Equal("a\uFFFDb", (await fixture.CallAsync()).Reply!.Content);
    }
}
