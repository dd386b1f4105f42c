using System.Text.Json;
using LlmWorkflow.Engine;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Providers;
using LlmWorkflow.Engine.Providers.Gate;
using LlmWorkflow.Tests.Support;
using Microsoft.Extensions.AI;

namespace LlmWorkflow.Tests.Engine.Providers;

public sealed class ChatCompletionsClientTests
{
    private const string Usage =
        """{"prompt_tokens":120,"completion_tokens":30,"total_tokens":150,"prompt_tokens_details":{"cached_tokens":100,"cache_write_tokens":7},"completion_tokens_details":{"reasoning_tokens":9}}""";

    private static readonly TokenUsage Expected = new() { InputTokens = 120, OutputTokens = 30, CacheReadTokens = 100, CacheWriteTokens = 7, ReasoningTokens = 9 };

    private const string Schema = """{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}""";

    private static string Chunk(string content, string finish = "null", string rest = "") =>
        $$"""{"id":"c-1","model":"m-2","choices":[{"index":0,"delta":{"content":{{content}}},"finish_reason":{{finish}}}]{{rest}}}""";

    private static string UsageChunk(string rest = "") => $$"""{"id":"c-1","model":"m-2","choices":[],"usage":{{Usage}}{{rest}}}""";

    [Theory]
    [InlineData("openrouter", "/or/v1/chat/completions")]
    [InlineData("openai", "/oa/v1/chat/completions")]
    [InlineData("local", "/local/v1/chat/completions")]
    public async Task Stream_WholeReply_GivesTextUsageAndRawUsage(string provider, string path)
    {
        await using var fixture = await ProviderFixture.StartAsync(FakeUpstream.Sse(
            ": keep-alive", Chunk("\"Hel\""), Chunk("\"lo\""), Chunk("null", "\"stop\""), UsageChunk(), "[DONE]"));

        var answer = await fixture.AskAsync(provider);

        Assert.Null(answer.Error);
        Assert.Equal(("Hello", "stop", "c-1", "m-2"), (answer.Text, answer.FinishReason, answer.Id, answer.Model));
        Assert.Equal(Expected, answer.Usage);
        Assert.Equal(Usage, answer.RawUsage.GetRawText());
        Assert.Equal(path, fixture.Request.Path);
        Assert.True(fixture.Body.GetProperty("stream_options").GetProperty("include_usage").GetBoolean());
    }

    [Theory]
    [InlineData("openrouter")]
    [InlineData("openai")]
    [InlineData("local")]
    public async Task Ask_WholeReply_GivesTextUsageAndRawUsage(string provider)
    {
        await using var fixture = await ProviderFixture.StartAsync(FakeUpstream.Json(
            $$"""{"id":"c-1","model":"m-2","service_tier":"priority","choices":[{"message":{"role":"assistant","content":"Hello"},"finish_reason":"length"}],"usage":{{Usage}}}"""));

        var answer = await fixture.AskAsync(provider, stream: false);

        Assert.Equal(("Hello", "length", "c-1", "m-2"), (answer.Text, answer.FinishReason, answer.Id, answer.Model));
        Assert.Equal(Expected, answer.Usage);
        Assert.Equal(Usage, answer.RawUsage.GetRawText());
        Assert.Equal(["service_tier:priority"], answer.Terms);
        Assert.False(fixture.Body.TryGetProperty("stream_options", out _));
    }

    [Fact]
    public async Task Stream_ServiceTierBesideTheUsage_IsATerm()
    {
        await using var fixture = await ProviderFixture.StartAsync(FakeUpstream.Sse(Chunk("\"x\"", "\"stop\""), UsageChunk(",\"service_tier\":\"flex\""), "[DONE]"));

        Assert.Equal(["service_tier:flex"], (await fixture.AskAsync("openai")).Terms);
    }

    [Theory]
    [InlineData("openrouter", 0.5)]
    [InlineData("openai", null)]
    [InlineData("local", null)]
    public async Task Ask_CostInUsage_IsTakenFromOpenRouterOnly(string provider, double? usd)
    {
        await using var fixture = await ProviderFixture.StartAsync(FakeUpstream.Json(
            """{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"cost":0.5}}"""));

        Assert.Equal((decimal?)usd, (await fixture.AskAsync(provider, stream: false)).ReportedUsd);
    }

    public static TheoryData<string, string[]> Oddities => new()
    {
        { "no [DONE]", [Chunk("\"Hello\""), Chunk("\"\"", "\"stop\""), UsageChunk()] },
        { "usage in the last content chunk", [Chunk("\"Hello\"", "\"stop\"", $",\"usage\":{Usage}"), "[DONE]"] },
        { "usage in every chunk", [Chunk("\"Hel\"", rest: ",\"usage\":{\"prompt_tokens\":120,\"completion_tokens\":1}"), Chunk("\"lo\"", "\"stop\"", $",\"usage\":{Usage}"), "[DONE]"] },
        { "usage null elsewhere", [Chunk("\"Hello\"", rest: ",\"usage\":null"), Chunk("null", "\"stop\""), UsageChunk(), "[DONE]"] },
        { "empty choices first", ["""{"id":"c-1","model":"","choices":[],"prompt_filter_results":[{}]}""", Chunk("\"Hello\"", "\"stop\""), UsageChunk(), "[DONE]"] },
        { "content in parts", [Chunk("""[{"type":"text","text":"Hel"},{"type":"text","text":"lo"}]""", "\"stop\""), UsageChunk(), "[DONE]"] },
        { "empty finish reason", [Chunk("\"Hel\"", "\"\""), Chunk("\"lo\"", "\"stop\""), UsageChunk(), "[DONE]"] },
        { "no finish reason, but the end mark", [Chunk("\"Hello\""), UsageChunk(), "[DONE]"] },
        { "message in place of delta", [$$"""{"id":"c-1","model":"m-2","choices":[{"message":{"content":"Hello"},"finish_reason":"stop"}],"usage":{{Usage}}}"""] },
        { "null error", [Chunk("\"Hello\"", "\"stop\"", ",\"error\":null"), UsageChunk(), "[DONE]"] },
    };

    [Theory]
    [MemberData(nameof(Oddities))]
    public async Task Stream_OddServer_GivesTheSameReply(string oddity, string[] events)
    {
        await using var fixture = await ProviderFixture.StartAsync(FakeUpstream.Sse(events));

        var answer = await fixture.AskAsync("local");

        Assert.True(answer.Error is null, oddity);
        Assert.Equal(("Hello", "c-1", "m-2"), (answer.Text, answer.Id, answer.Model));
        Assert.Equal(Expected, answer.Usage);
    }

    [Fact]
    public async Task Stream_UsageMissing_IsEstimated()
    {
        await using var fixture = await ProviderFixture.StartAsync(FakeUpstream.Sse(Chunk("\"12345678\"", "\"stop\""), "[DONE]"));

        Assert.Equal(new TokenUsage { InputTokens = 2, OutputTokens = 2, Estimated = true }, (await fixture.AskAsync("local")).Usage);
    }

    [Fact]
    public async Task Stream_UsageOfUnknownForm_KeepsTheReplyAndTheBlock()
    {
        await using var fixture = await ProviderFixture.StartAsync(FakeUpstream.Sse(Chunk("\"Hello\"", "\"stop\"", ",\"usage\":{\"words\":3}"), "[DONE]"));

        var answer = await fixture.AskAsync("local");

        Assert.Equal(("Hello", true), (answer.Text, answer.Usage.Estimated));
        Assert.Equal("""{"words":3}""", answer.RawUsage.GetRawText());
    }

    [Fact]
    public async Task Stream_AnsweredWithOneJsonBody_IsRead()
    {
        await using var fixture = await ProviderFixture.StartAsync(FakeUpstream.Json(
            $$"""{"id":"c-1","model":"m-2","choices":[{"message":{"content":"Hello"},"finish_reason":"stop"}],"usage":{{Usage}}}"""));

        var answer = await fixture.AskAsync("local");

        Assert.Equal(("Hello", "stop"), (answer.Text, answer.FinishReason));
        Assert.Equal(Expected, answer.Usage);
    }

    [Fact]
    public async Task Stream_EventsThatAreCalledJson_AreRead()
    {
        await using var fixture = await ProviderFixture.StartAsync(FakeUpstream.Json(
            $"data: {Chunk("\"Hello\"", "\"stop\"")}\n\ndata: {UsageChunk()}\n\ndata: [DONE]\n\n"));

        var answer = await fixture.AskAsync("local");

        Assert.Equal((null, "Hello"), (answer.Error, answer.Text));
        Assert.Equal(Expected, answer.Usage);
    }

    [Fact]
    public async Task Stream_CutWithUsageSoFar_KeepsTheInputAndEstimatesTheOutput()
    {
        await using var fixture = await ProviderFixture.StartAsync(FakeUpstream.CutSse(
            Chunk("\"1234\"", rest: ",\"usage\":{\"prompt_tokens\":120,\"completion_tokens\":0}"), Chunk("\"12345678\"")));

        Assert.Equal(new TokenUsage { InputTokens = 120, OutputTokens = 3, Estimated = true }, (await fixture.AskAsync("local")).Usage);
    }

    [Theory]
    [InlineData("reasoning")]
    [InlineData("reasoning_content")]
    public async Task Stream_ReasoningText_IsNoPartOfTheReply(string member)
    {
        await using var fixture = await ProviderFixture.StartAsync(FakeUpstream.Sse(
            $$$"""{"choices":[{"delta":{"{{{member}}}":"Hm"}}]}""", Chunk("\"Hello\"", "\"stop\""), "[DONE]"));

        var answer = await fixture.AskAsync("local");

        Assert.Equal(("Hello", "Hm"), (answer.Text, answer.Reasoning));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Ask_RefusalInPlaceOfContent_IsContentFilter(bool stream)
    {
        await using var fixture = await ProviderFixture.StartAsync(stream
            ? FakeUpstream.Sse("""{"choices":[{"delta":{"refusal":"I can't"}}]}""", Chunk("null", "\"stop\""), UsageChunk(), "[DONE]")
            : FakeUpstream.Json($$"""{"choices":[{"message":{"content":null,"refusal":"I can't"},"finish_reason":"stop"}],"usage":{{Usage}}}"""));

        var answer = await fixture.AskAsync("openai", stream);

        Assert.Equal(("", "content_filter"), (answer.Text, answer.FinishReason));
        Assert.Equal(Expected, answer.Usage);
    }

    [Fact]
    public async Task Ask_EmptyChoices_IsInvalidResponse()
    {
        await using var fixture = await ProviderFixture.StartAsync(FakeUpstream.Json("""{"choices":[]}"""));

        Assert.Equal(ErrorTypes.InvalidResponse, (await fixture.AskAsync("local", stream: false)).Error!.Type);
    }

    [Theory]
    [InlineData("openrouter")]
    [InlineData("openai")]
    [InlineData("local")]
    public async Task Stream_CutInTheMiddle_IsNetworkErrorWithEstimate(string provider)
    {
        await using var fixture = await ProviderFixture.StartAsync(FakeUpstream.CutSse(Chunk("\"12345678\"")));

        var answer = await fixture.AskAsync(provider);

        Assert.Equal((ErrorTypes.NetworkError, true), (answer.Error!.Type, answer.Error.Retryable));
        Assert.Equal((2, true), (answer.Usage.OutputTokens, answer.Usage.Estimated));
    }

    [Theory]
    [InlineData("""{"error":{"code":502,"message":"died"}}""", ErrorTypes.UpstreamServerError)]
    [InlineData("""{"error":{"code":"server_error","message":"died","type":"server_error"}}""", ErrorTypes.UpstreamServerError)]
    [InlineData("""{"error":"died"}""", ErrorTypes.UpstreamServerError)]
    [InlineData("""{"choices":[{"delta":{},"finish_reason":"error"}]}""", ErrorTypes.UpstreamServerError)]
    [InlineData("""{"error":{"message":"too many","code":"rate_limit_exceeded"}}""", ErrorTypes.RateLimited)]
    [InlineData("""{"choices":[{"error":{"code":"x","message":"x","metadata":{"error_type":"context_length_exceeded"}}}]}""", ErrorTypes.ContextTooLong)]
    public async Task Stream_ErrorInTheMiddle_IsThatError(string error, string type)
    {
        await using var fixture = await ProviderFixture.StartAsync(FakeUpstream.Sse(Chunk("\"12345678\""), error));

        var answer = await fixture.AskAsync("local");

        Assert.Equal((type, "12345678"), (answer.Error!.Type, answer.Text));
        Assert.Equal(ChatCallStage.Refused, fixture.Progress.Stage);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Ask_Cancelled_ClosesTheConnection(bool stream)
    {
        using var cancel = new CancellationTokenSource();
        var received = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var fixture = await ProviderFixture.StartAsync(async context =>
        {
            received.TrySetResult();
            await FakeUpstream.HangingSse(stream ? [Chunk("\"x\"")] : [])(context);
        });
        var call = fixture.AskAsync("openai", stream, cancellationToken: cancel.Token);
        await received.Task.WaitAsync(TimeSpan.FromSeconds(60));

        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        await fixture.Upstream.Aborted.WaitAsync(TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task Request_OpenAI_SendsMaxCompletionTokensAndSchema()
    {
        await using var fixture = await ProviderFixture.StartAsync(FakeUpstream.Sse(Chunk("\"x\"", "\"stop\""), "[DONE]"));

        await fixture.AskAsync(
            "openai", model: "gpt-5.6",
            configure: options =>
            {
                (options.Temperature, options.TopP, options.Seed, options.StopSequences) = (0.7f, 0.9f, 42, ["END"]);
                options.ResponseFormat = ChatResponseFormat.ForJsonSchema(JsonElement.Parse(Schema), "reply");
            },
            providerOptions: """{"reasoning_effort":"low","service_tier":"flex","cache_control":{"type":"ephemeral"},"cache_messages":true}""");

        Assert.Equal("Bearer " + ProviderFixture.Key, fixture.Request.Headers["Authorization"]);
        Assert.Equal(
            $$$"""{"model":"gpt-5.6","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hello?"}],"stream":true,"max_completion_tokens":200,"temperature":0.7,"top_p":0.9,"stop":["END"],"seed":42,"response_format":{"type":"json_schema","json_schema":{"name":"reply","strict":true,"schema":{{{Schema}}}}},"stream_options":{"include_usage":true},"reasoning_effort":"low","service_tier":"flex"}""",
            fixture.Request.Body);
    }

    [Fact]
    public async Task Request_OpenRouter_MarksThePromptAndNestsTheEffort()
    {
        await using var fixture = await ProviderFixture.StartAsync(FakeUpstream.Sse(Chunk("\"x\"", "\"stop\""), "[DONE]"));
        fixture.Messages = [new(ChatRole.System, "S"), new(ChatRole.User, "U1"), new(ChatRole.Assistant, "A1"), new(ChatRole.User, "Grüße")];

        await fixture.AskAsync(
            "openrouter",
            providerOptions: """{"reasoning_effort":"high","cache_control":{"type":"ephemeral","ttl":"1h"},"cache_messages":true,"provider":{"order":["a"]}}""");

        Assert.Equal(
            """{"model":"m","messages":[{"role":"system","content":[{"type":"text","text":"S","cache_control":{"type":"ephemeral","ttl":"1h"}}]},{"role":"user","content":"U1"},{"role":"assistant","content":[{"type":"text","text":"A1","cache_control":{"type":"ephemeral","ttl":"1h"}}]},{"role":"user","content":"Grüße"}],"stream":true,"max_tokens":200,"stream_options":{"include_usage":true},"reasoning":{"effort":"high"},"provider":{"order":["a"]}}""",
            fixture.Request.Body);
    }

    [Fact]
    public async Task Request_AzureSettings_SetHeaderQueryAndField()
    {
        await using var fixture = await ProviderFixture.StartAsync(FakeUpstream.Sse(Chunk("\"x\"", "\"stop\""), "[DONE]"), options =>
            options.CompatibleProviders =
            [
                new CompatibleProvider("azure", new Uri(options.OpenAIBaseUrl, "/openai/deployments/d/"))
                {
                    ApiKey = "azure-key", AuthHeader = "api-key", ApiVersion = "2024-10-21", MaxTokensField = "max_completion_tokens", AsksForStreamUsage = false,
                    ResponseFormats = ["json_object"],
                },
            ]);

        await fixture.AskAsync("azure", configure: options => options.ResponseFormat = ChatResponseFormat.ForJsonSchema(JsonElement.Parse(Schema)));

        Assert.Equal(("/openai/deployments/d/chat/completions", "?api-version=2024-10-21"), (fixture.Request.Path, fixture.Request.Query));
        Assert.Equal("azure-key", fixture.Request.Headers["api-key"]);
        Assert.DoesNotContain("Authorization", fixture.Request.Headers.Keys);
        Assert.Equal(
            """{"model":"m","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hello?"}],"stream":true,"max_completion_tokens":200,"response_format":{"type":"json_object"}}""",
            fixture.Request.Body);
    }

    [Fact]
    public async Task Request_ServerWithoutKey_SendsNone()
    {
        await using var fixture = await ProviderFixture.StartAsync(FakeUpstream.Sse(Chunk("\"x\"", "\"stop\""), "[DONE]"));

        Assert.Null((await fixture.AskAsync("local")).Error);

        Assert.DoesNotContain("Authorization", fixture.Request.Headers.Keys);
    }

    [Theory]
    [InlineData("openai", "OPENAI_API_KEY")]
    [InlineData("openrouter", "OPENROUTER_API_KEY")]
    [InlineData("anthropic", "ANTHROPIC_API_KEY")]
    public async Task Ask_MissingKey_IsConfigErrorBeforeAnyRequest(string provider, string setting)
    {
        await using var fixture = await ProviderFixture.StartAsync(
            FakeUpstream.Json("{}"), options => options.OpenAIApiKey = options.OpenRouterApiKey = options.AnthropicApiKey = null);

        var obstacle = fixture.Registrations[provider].Obstacle();
        var thrown = await Assert.ThrowsAsync<WorkflowException>(() => fixture.Registrations[provider].Client.GetResponseAsync([new ChatMessage(ChatRole.User, "x")]));

        Assert.Equal((ErrorTypes.MissingSetting, ErrorCategory.Config), (obstacle!.Type, obstacle.Category));
        Assert.Contains(setting, obstacle.Message, StringComparison.Ordinal);
        Assert.Equal(obstacle.Message, thrown.Error.Message);
        Assert.Empty(fixture.Upstream.Received);
    }

    [Theory]
    [InlineData("openai", """{"modalities":["audio"]}""")]
    [InlineData("anthropic", """{"system":"x"}""")]
    [InlineData("anthropic", """{"output_config":{}}""")]
    [InlineData("openrouter", """{"reasoning_effort":3}""")]
    [InlineData("openrouter", """{"cache_control":{"type":"forever"}}""")]
    [InlineData("anthropic", """{"cache_control":{"type":"ephemeral","ttl":"1d"}}""")]
    [InlineData("anthropic", """{"cache_messages":"yes"}""")]
    public async Task Ask_RefusedOption_IsConfigErrorThatCostsNothing(string provider, string options)
    {
        await using var fixture = await ProviderFixture.StartAsync(FakeUpstream.Json("{}"));

        var answer = await fixture.AskAsync(provider, providerOptions: options);

        Assert.Equal((ErrorTypes.InvalidDefinition, ErrorCategory.Config), (answer.Error!.Type, answer.Error.Category));
        Assert.Equal(new TokenUsage(), answer.Usage);
        Assert.Empty(fixture.Upstream.Received);
    }

    [Fact]
    public async Task Ask_Success_TellsTheLimitsAndTheRequestId()
    {
        await using var fixture = await ProviderFixture.StartAsync(FakeUpstream.Json(
            """{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}]}""", 200, "application/json",
            ("x-ratelimit-limit-requests", "60"), ("x-ratelimit-remaining-requests", "59"), ("x-ratelimit-reset-requests", "1s"), ("x-request-id", "req-1")));

        await fixture.AskAsync("openai", stream: false);

        Assert.Equal([new RateLimitWindow(RateDimension.Requests, 60, 59, TimeSpan.FromSeconds(1))], fixture.Progress.RateLimits);
        Assert.Equal("req-1", fixture.Progress.RequestId);
    }

    [Fact]
    public async Task Registrations_Each_HasFingerprintAndTelemetryName()
    {
        await using var fixture = await ProviderFixture.StartAsync(FakeUpstream.Json("{}"));

        // First 12 hex digits of SHA-256 of the key.
        var expected = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData("k-0123456789abcdef"u8))[..12];
        Assert.Equal(
            [("anthropic", expected), ("local", ""), ("openai", expected), ("openrouter", expected)],
            fixture.Registrations.Values.Select(registration => (registration.TelemetryName!, registration.Credential())).Order());
        Assert.Equal(["openrouter"], fixture.Registrations.Values.Where(registration => registration.LookUpAsync is not null).Select(registration => registration.Name));
    }
}
