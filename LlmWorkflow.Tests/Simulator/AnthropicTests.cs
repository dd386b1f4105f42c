using System.Net;
using System.Text.Json;

namespace LlmWorkflow.Tests.Simulator;

public sealed class AnthropicTests : SimulatorWire
{
    [Fact]
    public async Task Post_Plain_HasAnthropicsShapeAndHeaders()
    {
        await BehaveAsync("""{"latency_ms":0,"reply":"Hello there","output_tokens":20}""");

        var (response, body) = await SendAsync(AnthropicRequest(AnthropicBody(more: ""","system":"Be brief.","output_config":{"effort":"low"}""")));

        Assert.StartsWith("msg_", body.GetProperty("id").GetString(), StringComparison.Ordinal);
        Assert.Equal(("message", "assistant", "end_turn"), (Word(body, "type"), Word(body, "role"), Word(body, "stop_reason")));
        Assert.Equal(("text", "Hello there"), (Word(body.GetProperty("content")[0], "type"), Word(body.GetProperty("content")[0], "text")));
        var usage = body.GetProperty("usage");
        // 4 per message, and a token per 4 bytes begun.
        Assert.Equal((4 + 3 + 4 + 1, 20), (usage.GetProperty("input_tokens").GetInt32(), usage.GetProperty("output_tokens").GetInt32()));
        Assert.Equal("standard", Word(usage, "service_tier"));
        Assert.StartsWith("req_", Header(response, "request-id"), StringComparison.Ordinal);
        Assert.Equal("999999", Header(response, "anthropic-ratelimit-requests-remaining"));
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", Header(response, "anthropic-ratelimit-requests-reset"));
    }

    [Fact]
    public async Task Post_Stream_SendsEveryEventWithCumulativeUsage()
    {
        await BehaveAsync("""{"latency_ms":1200,"tokens_per_second":100,"reply":"one two three four five","output_tokens":10}""");

        var (_, sse) = await SendTextAsync(AnthropicRequest(AnthropicBody(more: ""","stream":true""")));
        var events = NamedEvents(sse);

        Assert.All(events, entry => Assert.Equal(entry.Name, Word(entry.Data, "type")));
        Assert.Equal(["message_start", "ping", "content_block_start", "ping"], events.Select(entry => entry.Name).Take(4));
        Assert.Equal(["content_block_stop", "message_delta", "message_stop"], events.Select(entry => entry.Name).TakeLast(3));
        var started = events[0].Data.GetProperty("message");
        Assert.Equal(5, started.GetProperty("usage").GetProperty("input_tokens").GetInt32());
        Assert.Equal(0, started.GetProperty("content").GetArrayLength());
        Assert.Equal("one two three four five", string.Concat(events.Where(entry => entry.Name == "content_block_delta")
            .Select(entry => Word(entry.Data.GetProperty("delta"), "text"))));
        Assert.Equal("end_turn", Word(events[^2].Data.GetProperty("delta"), "stop_reason"));
        Assert.Equal(10, events[^2].Data.GetProperty("usage").GetProperty("output_tokens").GetInt32());
        Assert.Equal(5, events[^2].Data.GetProperty("usage").GetProperty("input_tokens").GetInt32());
    }

    [Fact]
    public async Task Post_StreamWithThinking_ThinkingBlockComesFirst()
    {
        await BehaveAsync("""{"latency_ms":0,"tokens_per_second":200,"reply":"Four.","output_tokens":20,"reasoning_tokens":15}""");

        var events = NamedEvents((await SendTextAsync(AnthropicRequest(AnthropicBody(more: ""","stream":true,"thinking":{"type":"adaptive"}""")))).Text);

        Assert.Equal(["thinking", "text"], events.Where(entry => entry.Name == "content_block_start").Select(entry => Word(entry.Data.GetProperty("content_block"), "type")));
        Assert.Equal([0, 1], events.Where(entry => entry.Name == "content_block_stop").Select(entry => entry.Data.GetProperty("index").GetInt32()));
        Assert.Equal(["thinking_delta", "signature_delta", "text_delta"], events.Where(entry => entry.Name == "content_block_delta")
            .Select(entry => Word(entry.Data.GetProperty("delta"), "type")).Distinct());
        Assert.Equal(15, events[^2].Data.GetProperty("usage").GetProperty("output_tokens_details").GetProperty("thinking_tokens").GetInt32());
    }

    [Theory]
    [InlineData("5m", "ephemeral_5m_input_tokens", 2.5)]
    [InlineData("1h", "ephemeral_1h_input_tokens", 4)]
    public async Task Cache_MarkedPrefix_IsWrittenThenRead(string ttl, string kind, decimal writePrice)
    {
        await BehaveAsync("""{"latency_ms":0,"output_tokens":2}""");
        var body = (string question) => AnthropicBody(question, more: $$$"""
            ,"system":[{"type":"text","text":"{{{new string('x', 6000)}}}","cache_control":{"type":"ephemeral","ttl":"{{{ttl}}}"}}]
            """);

        var (_, first) = await SendAsync(AnthropicRequest(body("One?")));
        var (_, second) = await SendAsync(AnthropicRequest(body("Two?")));

        Assert.Equal((5, 0, 1504), Input(first));
        Assert.Equal(1504, first.GetProperty("usage").GetProperty("cache_creation").GetProperty(kind).GetInt32());
        Assert.Equal((5, 1504, 0), Input(second));
        var calls = await LedgerAsync();
        Assert.Equal(((5 * 2m) + (1504 * writePrice) + (2 * 10m)) / 1_000_000m, calls[0].GetProperty("usd").GetDecimal());
        Assert.Equal(((5 * 2m) + (1504 * 0.1m) + (2 * 10m)) / 1_000_000m, calls[1].GetProperty("usd").GetDecimal());
        Assert.All(calls, call => Assert.Equal(1509, call.GetProperty("input_tokens").GetInt32()));
        Assert.Equal(1504, calls[1].GetProperty("tokens").GetProperty("cache_read").GetInt32());
    }

    [Fact]
    public async Task Cache_TooShortOrUnmarkedOrChanged_IsNotRead()
    {
        await BehaveAsync("""{"latency_ms":0,"output_tokens":2}""");
        var marked = (string text) => AnthropicBody(more: $$$""","system":[{"type":"text","text":"{{{text}}}","cache_control":{"type":"ephemeral"}}]""");

        await SendAsync(AnthropicRequest(marked("short")));
        var (_, tooShort) = await SendAsync(AnthropicRequest(marked("short")));
        await SendAsync(AnthropicRequest(AnthropicBody(new string('y', 9000))));
        var (_, unmarked) = await SendAsync(AnthropicRequest(AnthropicBody(new string('y', 9000))));
        await SendAsync(AnthropicRequest(marked(new string('z', 9000))));
        var (_, changed) = await SendAsync(AnthropicRequest(marked(new string('z', 8999) + "!")));
        await Http.DeleteAsync("/_control/cache");
        var (_, forgotten) = await SendAsync(AnthropicRequest(marked(new string('z', 9000))));

        Assert.Equal((0, 0), (Input(tooShort).Read, Input(tooShort).Written));
        Assert.Equal((0, 0), (Input(unmarked).Read, Input(unmarked).Written));
        Assert.Equal((0, 2254), (Input(changed).Read, Input(changed).Written));
        Assert.Equal((0, 2254), (Input(forgotten).Read, Input(forgotten).Written));
    }

    [Fact]
    public async Task Cache_ConversationGrows_ReadsTheEarlierPartAndWritesTheRest()
    {
        await BehaveAsync("""{"latency_ms":0,"output_tokens":2}""");
        var turn = (string text, bool mark) => $$$"""{"role":"user","content":[{"type":"text","text":"{{{text}}}"{{{(mark ? ""","cache_control":{"type":"ephemeral"}""" : "")}}} }]}""";
        var body = (string messages) => $$"""{"model":"claude-sonnet-5-5","max_tokens":100,"messages":[{{messages}}]}""";
        var (first, next) = (new string('a', 6000), new string('b', 2000));

        await SendAsync(AnthropicRequest(body(turn(first, true))));
        var (_, grown) = await SendAsync(AnthropicRequest(body($"{turn(first, false)},{turn(next, true)},{turn("Go on.", false)}")));

        Assert.Equal((4 + 2, 4 + 1500, 4 + 500), Input(grown));
    }

    [Theory]
    [InlineData("claude-opus-4-7", ""","temperature":0.5""", "temperature")]
    [InlineData("claude-sonnet-5", ""","top_k":5""", "top_k")]
    [InlineData("claude-sonnet-5-5", ""","tool_choice":{"type":"tool","name":"reply"},"tools":[{"name":"reply","input_schema":{"type":"object"}}]""", "tool_choice")]
    [InlineData("claude-opus-5-5", ""","thinking":{"type":"disabled"}""", "thinking")]
    [InlineData("claude-sonnet-4-5", ""","temperature":0.5,"top_p":0.5""", "top_p")]
    [InlineData("claude-sonnet-5", ""","output_config":{"format":{"type":"json_object"}}""", "output_config.format.type")]
    [InlineData("claude-sonnet-5", ""","output_config":{"format":{"type":"json_schema","schema":{"type":"object","properties":{}}}}""", "additionalProperties")]
    [InlineData("claude-sonnet-5", ""","system":[{"type":"text","text":"a","cache_control":{"type":"forever"}}]""", "cache_control")]
    public async Task Post_WhatModelsRefuse_400(string model, string more, string part)
    {
        var (response, body) = await SendAsync(AnthropicRequest(AnthropicBody(model: model, more: more)));

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(("error", "invalid_request_error"), (Word(body, "type"), Word(body.GetProperty("error"), "type")));
        Assert.Contains(part, Word(body.GetProperty("error"), "message"), StringComparison.Ordinal);
        Assert.Equal(Header(response, "request-id"), Word(body, "request_id"));
    }

    [Theory]
    [InlineData("2023-06-01", 200)]
    [InlineData("2026-10-21", 400)]
    [InlineData("2020-01-01", 400)]
    public async Task Post_SamplingOnAModelThatTakesIt_OnlyInTheOlderVersion(string version, int status)
    {
        await BehaveAsync("""{"latency_ms":0}""");

        var (response, _) = await SendAsync(AnthropicRequest(AnthropicBody(model: "claude-haiku-4-5", more: ""","temperature":0.5"""), version: version));

        Assert.Equal(status, (int)response.StatusCode);
    }

    [Theory]
    [InlineData("claude-sonnet-5-5", 400)]
    [InlineData("claude-3-5-sonnet-20241022", 200)]
    public async Task Post_Prefill_OnlyOlderModelsTakeIt(string model, int status)
    {
        await BehaveAsync("""{"latency_ms":0}""");
        var (response, _) = await SendAsync(AnthropicRequest(
            $$"""{"model":"{{model}}","max_tokens":10,"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"{"}]}"""));

        Assert.Equal(status, (int)response.StatusCode);
    }

    [Fact]
    public async Task Post_NoVersionKeyModelOrLimit_RefusedEachInItsWay()
    {
        Assert.Equal((400, "invalid_request_error"), await RefusedAsync(AnthropicRequest(AnthropicBody(), version: null)));
        Assert.Equal((401, "authentication_error"), await RefusedAsync(AnthropicRequest(AnthropicBody(), key: null)));
        Assert.Equal((401, "authentication_error"), await RefusedAsync(AnthropicRequest(AnthropicBody(), key: "wrong")));
        Assert.Equal((404, "not_found_error"), await RefusedAsync(AnthropicRequest(AnthropicBody(model: "claude-opus-9"))));
        Assert.Equal((400, "invalid_request_error"), await RefusedAsync(AnthropicRequest("""{"model":"claude-sonnet-5","messages":[{"role":"user","content":"Hi"}]}""")));
    }

    [Theory]
    [InlineData("""{"error_status":529}""", 529, "overloaded_error")]
    [InlineData("""{"error_status":500}""", 500, "api_error")]
    [InlineData("""{"error_status":413}""", 413, "request_too_large")]
    [InlineData("""{"error_code":"enforced_spend_limit_reached","retry_after":9}""", 429, "rate_limit_error")]
    public async Task Error_Asked_InShape(string behavior, int status, string type)
    {
        await BehaveAsync(behavior);

        var (response, body) = await SendAsync(AnthropicRequest(AnthropicBody()));

        Assert.Equal((status, type), ((int)response.StatusCode, Word(body.GetProperty("error"), "type")!));
        if (status == 429)
        {
            Assert.Equal("enforced_spend_limit_reached", Word(body.GetProperty("error").GetProperty("details"), "error_code"));
            Assert.Null(response.Headers.RetryAfter);
        }
    }

    [Fact]
    public async Task Stream_ErrorStatus200_ErrorEventEndsIt()
    {
        await BehaveAsync("""{"latency_ms":0,"tokens_per_second":1000,"output_tokens":50,"error_status":200,"cut_after_tokens":10}""");

        var events = NamedEvents((await SendTextAsync(AnthropicRequest(AnthropicBody(more: ""","stream":true""")))).Text);

        Assert.Equal(("error", "overloaded_error"), (events[^1].Name, Word(events[^1].Data.GetProperty("error"), "type")));
        Assert.DoesNotContain(events, entry => entry.Name == "message_stop");
        Assert.Equal(10, (await OnlyCallAsync()).GetProperty("output_tokens").GetInt32());
    }

    [Fact]
    public async Task OutputConfig_JsonSchema_IsHonoured()
    {
        await BehaveAsync("""{"latency_ms":0}""");

        var (_, body) = await SendAsync(AnthropicRequest(AnthropicBody(more: """
            ,"output_config":{"format":{"type":"json_schema","schema":{"type":"object","properties":{"mood":{"enum":["glad"]}},"required":["mood"],"additionalProperties":false}}}
            """)));

        Assert.Equal("""{"mood":"glad"}""", Word(body.GetProperty("content")[0], "text"));
    }

    [Fact]
    public async Task LongPrompt_AboveTheTier_RepricesTheWhole()
    {
        await BehaveAsync("""{"latency_ms":0,"output_tokens":2}""");

        await SendAsync(AnthropicRequest(AnthropicBody(new string('x', 400_004), "claude-haiku-5-5")));

        Assert.Equal(((100_005 * 0.50m) + (2 * 2.50m)) / 1_000_000m, (await OnlyCallAsync()).GetProperty("usd").GetDecimal());
    }

    private static string? Word(JsonElement element, string name) => element.TryGetProperty(name, out var value) ? value.GetString() : null;

    private static (int Input, int Read, int Written) Input(JsonElement body)
    {
        var usage = body.GetProperty("usage");
        return (usage.GetProperty("input_tokens").GetInt32(), usage.GetProperty("cache_read_input_tokens").GetInt32(),
            usage.GetProperty("cache_creation_input_tokens").GetInt32());
    }

    private static List<(string Name, JsonElement Data)> NamedEvents(string sse) => [.. sse.Split("\n\n", StringSplitOptions.RemoveEmptyEntries)
        .Select(text => text.Split('\n')).Select(lines => (lines[0]["event: ".Length..], Parse(lines[1]["data: ".Length..])))];

    private async Task<(int Status, string Type)> RefusedAsync(HttpRequestMessage request)
    {
        var (response, body) = await SendAsync(request);
        return ((int)response.StatusCode, Word(body.GetProperty("error"), "type")!);
    }
}
