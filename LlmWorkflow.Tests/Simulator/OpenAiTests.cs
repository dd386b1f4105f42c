using System.Net;
using System.Text.Json;

namespace LlmWorkflow.Tests.Simulator;

public sealed class OpenAiTests : SimulatorWire
{
    [Fact]
    public async Task Post_Plain_HasOpenAisShapeAndHeaders()
    {
        await BehaveAsync("""{"latency_ms":0,"reply":"Hello there","output_tokens":20,"reasoning_tokens":5}""");

        var (response, body) = await SendAsync(OpenAiRequest(OpenAiBody(model: "gpt-5.6-luna")));

        Assert.StartsWith("chatcmpl-", body.GetProperty("id").GetString(), StringComparison.Ordinal);
        Assert.Equal("chat.completion", body.GetProperty("object").GetString());
        Assert.Equal("default", body.GetProperty("service_tier").GetString());
        Assert.Equal("Hello there", body.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString());
        var usage = body.GetProperty("usage");
        Assert.Equal((5, 20, 25), (usage.GetProperty("prompt_tokens").GetInt32(), usage.GetProperty("completion_tokens").GetInt32(), usage.GetProperty("total_tokens").GetInt32()));
        Assert.Equal(5, usage.GetProperty("completion_tokens_details").GetProperty("reasoning_tokens").GetInt32());
        Assert.False(usage.TryGetProperty("cost", out _));
        Assert.StartsWith("req_", Header(response, "x-request-id"), StringComparison.Ordinal);
        Assert.Equal("1000000", Header(response, "x-ratelimit-limit-requests"));
        Assert.Equal("999999", Header(response, "x-ratelimit-remaining-requests"));
        Assert.Matches(@"^\d+(\.\d+)?m?s$", Header(response, "x-ratelimit-reset-requests"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Post_Stream_RoleFirstThenTextFinishUsageIfAskedDone(bool usage)
    {
        await BehaveAsync("""{"latency_ms":0,"tokens_per_second":100,"reply":"one two three four five","output_tokens":10}""");

        var (response, sse) = await SendTextAsync(OpenAiRequest(OpenAiBody(
            more: usage ? ""","stream":true,"stream_options":{"include_usage":true}""" : ""","stream":true""")));
        var events = Events(sse).ToList();
        var chunks = events[..^1].Select(Parse).ToList();

        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal("[DONE]", events[^1]);
        Assert.Equal("assistant", chunks[0].GetProperty("choices")[0].GetProperty("delta").GetProperty("role").GetString());
        Assert.All(chunks.Skip(1).Where(chunk => chunk.GetProperty("choices").GetArrayLength() > 0),
            chunk => Assert.False(chunk.GetProperty("choices")[0].GetProperty("delta").TryGetProperty("role", out _)));
        Assert.Equal("one two three four five", string.Concat(chunks.SelectMany(chunk => chunk.GetProperty("choices").EnumerateArray())
            .Select(choice => choice.GetProperty("delta").TryGetProperty("content", out var content) ? content.GetString() : "")));
        var finish = usage ? chunks[^2] : chunks[^1];
        Assert.Equal("stop", finish.GetProperty("choices")[0].GetProperty("finish_reason").GetString());
        Assert.Equal("{}", finish.GetProperty("choices")[0].GetProperty("delta").GetRawText());
        if (usage)
        {
            Assert.Equal(0, chunks[^1].GetProperty("choices").GetArrayLength());
            Assert.Equal(10, chunks[^1].GetProperty("usage").GetProperty("completion_tokens").GetInt32());
            Assert.All(chunks.SkipLast(1), chunk => Assert.Equal(JsonValueKind.Null, chunk.GetProperty("usage").ValueKind));
        }
        else
        {
            Assert.All(chunks, chunk => Assert.False(chunk.TryGetProperty("usage", out _)));
        }
    }

    [Theory]
    [InlineData("gpt-5-mini", ""","max_tokens":10""", 400, "max_tokens", "unsupported_parameter")]
    [InlineData("gpt-6.1-terra", ""","temperature":0.2""", 400, "temperature", "unsupported_value")]
    [InlineData("gpt-5", ""","reasoning_effort":"none","temperature":0.2,"max_completion_tokens":10""", 200, null, null)]
    [InlineData("gpt-4o-2024-08-06", ""","max_tokens":10,"temperature":0.2""", 200, null, null)]
    [InlineData("gpt-9", "", 404, null, "model_not_found")]
    [InlineData("gpt-4o", ""","service_tier":"express" """, 400, "service_tier", "invalid_value")]
    [InlineData("gpt-4o", ""","response_format":{"type":"json_schema","json_schema":{"name":"r","strict":true,"schema":{"type":"object","properties":{"a":{"type":"string"}}}}}""", 400, "response_format", "invalid_json_schema")]
    public async Task Post_WhatModelsRefuse_IsRefusedInShape(string model, string more, int status, string? param, string? code)
    {
        await BehaveAsync("""{"latency_ms":0,"output_tokens":3}""");

        var (response, body) = await SendAsync(OpenAiRequest(OpenAiBody(model: model, more: more)));

        Assert.Equal(status, (int)response.StatusCode);
        if (status >= 400)
        {
            var error = body.GetProperty("error");
            Assert.Equal(["message", "type", "param", "code"], error.EnumerateObject().Select(property => property.Name));
            Assert.Equal((param, code), (error.GetProperty("param").GetString(), error.GetProperty("code").GetString()));
        }
    }

    [Theory]
    [InlineData(null, null)]
    [InlineData("sk-wrong", "invalid_api_key")]
    public async Task Post_NoOrWrongKey_401(string? key, string? code)
    {
        var (response, body) = await SendAsync(OpenAiRequest(OpenAiBody(), key));

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Equal(code, body.GetProperty("error").GetProperty("code").GetString());
    }

    [Fact]
    public async Task ErrorCode_InsufficientQuota_429WithoutRetryAfter()
    {
        await BehaveAsync("""{"error_code":"insufficient_quota","retry_after":3}""");

        var (response, body) = await SendAsync(OpenAiRequest(OpenAiBody()));

        Assert.Equal(HttpStatusCode.TooManyRequests, response.StatusCode);
        Assert.Null(response.Headers.RetryAfter);
        Assert.Equal("insufficient_quota", body.GetProperty("error").GetProperty("type").GetString());
        Assert.Equal(429, (await OnlyCallAsync()).GetProperty("status").GetInt32());
    }

    [Fact]
    public async Task Stream_ErrorStatus200_ErrorObjectEndsItAndTokensAreBilled()
    {
        await BehaveAsync("""{"latency_ms":0,"tokens_per_second":1000,"output_tokens":50,"error_status":200,"cut_after_tokens":10}""");

        var events = Events((await SendTextAsync(OpenAiRequest(OpenAiBody(more: ""","stream":true""")))).Text).ToList();

        Assert.Equal("server_error", Parse(events[^1]).GetProperty("error").GetProperty("type").GetString());
        var call = await OnlyCallAsync();
        Assert.Equal("error", call.GetProperty("outcome").GetString());
        Assert.Equal(10, call.GetProperty("output_tokens").GetInt32());
        Assert.Equal(((5 * 2.5m) + (10 * 10m)) / 1_000_000m, call.GetProperty("usd").GetDecimal());
    }

    [Theory]
    [InlineData("flex", 0.5)]
    [InlineData("priority", 2)]
    [InlineData("default", 1)]
    public async Task ServiceTier_Given_IsEchoedAndPriced(string tier, decimal multiplier)
    {
        await BehaveAsync("""{"latency_ms":0,"output_tokens":3}""");

        var (_, body) = await SendAsync(OpenAiRequest(OpenAiBody(more: $$""","service_tier":"{{tier}}" """)));

        Assert.Equal(tier, body.GetProperty("service_tier").GetString());
        Assert.Equal(((5 * 2.5m) + (3 * 10m)) / 1_000_000m * multiplier, (await OnlyCallAsync()).GetProperty("usd").GetDecimal());
    }

    [Fact]
    public async Task Cache_LongPromptTwice_IsWrittenThenReadInStepsOf128()
    {
        await BehaveAsync("""{"latency_ms":0,"output_tokens":1}""");
        var prompt = new string('x', 6000);

        var (_, first) = await SendAsync(OpenAiRequest(OpenAiBody(prompt, "gpt-5.6-terra")));
        var (_, second) = await SendAsync(OpenAiRequest(OpenAiBody(prompt + " and more", "gpt-5.6-terra")));
        var (_, other) = await SendAsync(OpenAiRequest(OpenAiBody(prompt, "gpt-5.6-terra"), key: "sk-another"));

        Assert.Equal((0, 1408), Cache(first));
        Assert.Equal((1408, 0), Cache(second));
        Assert.Equal((0, 1408), Cache(other));
        var usd = (await LedgerAsync()).Select(call => call.GetProperty("usd").GetDecimal()).ToList();
        Assert.Equal(((1504 - 1408) * 2m + (1408 * 2.5m) + 12m) / 1_000_000m, usd[0]);
        Assert.Equal(((1507 - 1408) * 2m + (1408 * 0.2m) + 12m) / 1_000_000m, usd[1]);

        static (int Read, int Written) Cache(JsonElement body)
        {
            var details = body.GetProperty("usage").GetProperty("prompt_tokens_details");
            return (details.GetProperty("cached_tokens").GetInt32(), details.GetProperty("cache_write_tokens").GetInt32());
        }
    }
}
