using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Providers;
using LlmWorkflow.Engine.Providers.Gate;
using LlmWorkflow.Tests.Support;

namespace LlmWorkflow.Tests.Engine.Providers;

public sealed class AnthropicChatClientTests
{
    private const string Start =
        """{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-haiku-4-5-20251001","content":[],"stop_reason":null,"usage":{"input_tokens":13,"cache_creation_input_tokens":30,"cache_read_input_tokens":100,"cache_creation":{"ephemeral_5m_input_tokens":10,"ephemeral_1h_input_tokens":20},"output_tokens":1,"service_tier":"priority"}}}""";

    private const string Stop = """{"type":"message_stop"}""";

    private static readonly string[] Whole =
    [
        Start,
        """{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}""",
        """{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Hm"}}""",
        """{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"abc"}}""",
        """{"type":"content_block_stop","index":0}""",
        """{"type":"ping"}""",
        """{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}""",
        Delta("Hel"), Delta("lo"),
        """{"type":"content_block_stop","index":1}""",
        """{"type":"something_new","value":[1]}""",
        """{"type":"message_delta","delta":{"stop_reason":null},"usage":{"output_tokens":20}}""",
        """{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"input_tokens":13,"cache_creation_input_tokens":null,"output_tokens":30,"output_tokens_details":{"thinking_tokens":9}}}""",
        Stop,
    ];

    private static readonly TokenUsage Expected = new()
    {
        InputTokens = 143, OutputTokens = 30, CacheReadTokens = 100, CacheWriteTokens = 10, CacheWrite1hTokens = 20, ReasoningTokens = 9,
    };

    private static string Delta(string text) => $$$"""{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"{{{text}}}"}}""";

    private static string End(string reason) => $$$"""{"type":"message_delta","delta":{"stop_reason":"{{{reason}}}"},"usage":{"output_tokens":5}}""";

    [Fact]
    public async Task Stream_WholeReply_OverwritesUsageAndKeepsThinkingApart()
    {
        await using var fixture = await ProviderFixture.StartAsync(FakeUpstream.Sse(Whole));

        var answer = await fixture.AskAsync("anthropic", model: "claude-haiku-4-5");

        Assert.Null(answer.Error);
        Assert.Equal(("Hello", "Hm", "stop", "msg_1", "claude-haiku-4-5-20251001"), (answer.Text, answer.Reasoning, answer.FinishReason, answer.Id, answer.Model));
        Assert.Equal(Expected, answer.Usage);
        Assert.Equal(["service_tier:priority"], answer.Terms);
        Assert.Equal((30, 20), (answer.RawUsage.GetProperty("output_tokens").GetInt32(), answer.RawUsage.GetProperty("cache_creation").GetProperty("ephemeral_1h_input_tokens").GetInt32()));
        Assert.Equal("/an/v1/messages", fixture.Request.Path);
        Assert.Equal((ProviderFixture.Key, "2023-06-01"), (fixture.Request.Headers["x-api-key"], fixture.Request.Headers["anthropic-version"]));
        Assert.DoesNotContain("Authorization", fixture.Request.Headers.Keys);
    }

    [Fact]
    public async Task Ask_WholeReply_GivesTheSameAsTheStream()
    {
        await using var fixture = await ProviderFixture.StartAsync(
            FakeUpstream.Json(
                """{"id":"msg_1","type":"message","role":"assistant","model":"claude-haiku-4-5-20251001","content":[{"type":"thinking","thinking":"Hm","signature":"s"},{"type":"text","text":"Hel"},{"type":"text","text":"lo"}],"stop_reason":"end_turn","usage":{"input_tokens":13,"cache_creation_input_tokens":30,"cache_read_input_tokens":100,"cache_creation":{"ephemeral_5m_input_tokens":10,"ephemeral_1h_input_tokens":20},"output_tokens":30,"output_tokens_details":{"thinking_tokens":9},"service_tier":"priority"}}""",
                200, "application/json", ("request-id", "req_1"), ("anthropic-ratelimit-input-tokens-limit", "1000"), ("anthropic-ratelimit-input-tokens-remaining", "900")),
            options => options.AnthropicBaseUrl = new Uri(options.AnthropicBaseUrl.AbsoluteUri + "/v1"));

        foreach (var stream in new[] { false, true })
        {
            var answer = await fixture.AskAsync("anthropic", stream);

            Assert.Equal(("Hello", "Hm", "stop", "msg_1"), (answer.Text, answer.Reasoning, answer.FinishReason, answer.Id));
            Assert.Equal(Expected, answer.Usage);
            Assert.Equal(["service_tier:priority"], answer.Terms);
            Assert.Equal("req_1", fixture.Progress.RequestId);
            Assert.Equal([new RateLimitWindow(RateDimension.InputTokens, 1000, 900, null)], fixture.Progress.RateLimits);
        }

        Assert.All(fixture.Upstream.Received, request => Assert.Equal("/an/v1/messages", request.Path));
    }

    [Theory]
    [InlineData("end_turn", "stop")]
    [InlineData("stop_sequence", "stop")]
    [InlineData("max_tokens", "length")]
    [InlineData("model_context_window_exceeded", "length")]
    [InlineData("refusal", "content_filter")]
    [InlineData("tool_use", "tool_use")]
    [InlineData("pause_turn", "pause_turn")]
    public async Task Stream_StopReason_IsMapped(string reason, string expected)
    {
        await using var fixture = await ProviderFixture.StartAsync(FakeUpstream.Sse(Start, Delta("x"), End(reason), Stop));

        Assert.Equal(expected, (await fixture.AskAsync("anthropic")).FinishReason);
    }

    [Fact]
    public async Task Stream_CutAfterItsBegin_KeepsTheInputAndEstimatesTheOutput()
    {
        await using var fixture = await ProviderFixture.StartAsync(FakeUpstream.CutSse(Start, Delta("12345678"), Delta("12345678")));

        var answer = await fixture.AskAsync("anthropic");

        Assert.Equal((ErrorTypes.NetworkError, true), (answer.Error!.Type, answer.Error.Retryable));
        Assert.Equal(Expected with { OutputTokens = 4, ReasoningTokens = 0, Estimated = true }, answer.Usage);
    }

    [Fact]
    public async Task Stream_CutBetweenCumulativeCounts_EstimatesTheRest()
    {
        await using var fixture = await ProviderFixture.StartAsync(FakeUpstream.CutSse(
            Start, Delta("12345678"), """{"type":"message_delta","delta":{"stop_reason":null},"usage":{"output_tokens":2}}""", Delta("12345678")));

        var answer = await fixture.AskAsync("anthropic");

        Assert.Equal((143, 4, true), (answer.Usage.InputTokens, answer.Usage.OutputTokens, answer.Usage.Estimated));
    }

    [Fact]
    public async Task Stream_ThatEndsWithoutStopReason_IsCut()
    {
        await using var fixture = await ProviderFixture.StartAsync(FakeUpstream.Sse(Start, Delta("half")));

        Assert.Equal(ErrorTypes.NetworkError, (await fixture.AskAsync("anthropic")).Error!.Type);
    }

    [Fact]
    public async Task Stream_ConnectionLostAfterStopReason_KeepsThePaidReply()
    {
        await using var fixture = await ProviderFixture.StartAsync(FakeUpstream.CutSse(Start, Delta("whole"), End("end_turn")));

        var answer = await fixture.AskAsync("anthropic");

        Assert.Equal((null, "whole", 5, false), (answer.Error, answer.Text, answer.Usage.OutputTokens, answer.Usage.Estimated));
    }

    [Theory]
    [InlineData("overloaded_error", ErrorTypes.Overloaded, true)]
    [InlineData("api_error", ErrorTypes.UpstreamServerError, true)]
    [InlineData("rate_limit_error", ErrorTypes.RateLimited, true)]
    [InlineData("timeout_error", ErrorTypes.UpstreamTimeout, true)]
    [InlineData("invalid_request_error", ErrorTypes.UpstreamBadRequest, false)]
    public async Task Stream_ErrorEvent_IsThatErrorWithTheInputBilled(string kind, string type, bool retryable)
    {
        await using var fixture = await ProviderFixture.StartAsync(FakeUpstream.Sse(
            Start, Delta("12345678"), $$$"""{"type":"error","error":{"type":"{{{kind}}}","message":"Sorry"},"request_id":"req_9"}"""));

        var answer = await fixture.AskAsync("anthropic");

        Assert.Equal((type, retryable), (answer.Error!.Type, answer.Error.Retryable));
        Assert.Contains("Sorry Request id: req_9", answer.Error.Message, StringComparison.Ordinal);
        Assert.Equal((143, 2, true), (answer.Usage.InputTokens, answer.Usage.OutputTokens, answer.Usage.Estimated));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Ask_ErrorWithStatus200_IsThatError(bool stream)
    {
        await using var fixture = await ProviderFixture.StartAsync(FakeUpstream.Json("""{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"""));

        var answer = await fixture.AskAsync("anthropic", stream);

        Assert.Equal(ErrorTypes.Overloaded, answer.Error!.Type);
        Assert.Equal(new TokenUsage(), answer.Usage);
    }

    [Fact]
    public async Task Stream_Cancelled_ClosesTheConnectionAndKeepsTheInput()
    {
        using var cancel = new CancellationTokenSource();
        var received = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var fixture = await ProviderFixture.StartAsync(async context =>
        {
            received.TrySetResult();
            await FakeUpstream.HangingSse(Start)(context);
        });
        var call = fixture.AskAsync("anthropic", cancellationToken: cancel.Token);
        await received.Task.WaitAsync(TimeSpan.FromSeconds(60));

        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        await fixture.Upstream.Aborted.WaitAsync(TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task Ask_ParametersThatTheModelRefuses_AreLeftOutAndToldOnce()
    {
        await using var fixture = await ProviderFixture.StartAsync(FakeUpstream.Sse(Whole));

        for (var i = 0; i < 2; i++)
        {
            await fixture.AskAsync(
                "anthropic", model: "claude-sonnet-5", configure: options => (options.Temperature, options.TopP) = (0.7f, 0.9f), providerOptions: """{"top_k":5}""");
        }

        Assert.Equal(["claude-sonnet-5 does not take temperature, top_p, top_k: left out of its calls"], fixture.Logged);
        Assert.Equal(
            """{"model":"claude-sonnet-5","max_tokens":200,"stream":true,"system":"Be brief.","messages":[{"role":"user","content":"Hello?"}]}""",
            fixture.Upstream.Received.Last().Body);
    }

    [Fact]
    public async Task Ask_Betas_GoIntoTheHeader()
    {
        await using var fixture = await ProviderFixture.StartAsync(FakeUpstream.Sse(Whole));

        await fixture.AskAsync("anthropic", providerOptions: """{"betas":["a-1","b-2"],"speed":"fast"}""");

        Assert.Equal("a-1,b-2", fixture.Request.Headers["anthropic-beta"]);
        Assert.Equal("fast", fixture.Body.GetProperty("speed").GetString());
        Assert.False(fixture.Body.TryGetProperty("betas", out _));
    }
}
