using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace LlmWorkflow.Tests.Simulator;

public sealed class ScriptTests : SimulatorWire
{
    [Fact]
    public async Task Replies_InOrder_LastOneStaysAndFailedCallsTakeNone()
    {
        await BehaveAsync("""[{"latency_ms":0,"replies":["{\"a\":1,}","```json\n{}\n```","done"]},{"error_status":500,"times":1}]""");

        Assert.Equal(HttpStatusCode.InternalServerError, (await SendAsync(OpenAiRequest(OpenAiBody()))).Response.StatusCode);
        List<string?> texts = [];
        for (var i = 0; i < 4; i++)
        {
            var (_, body) = await SendAsync(OpenAiRequest(OpenAiBody()));
            texts.Add(body.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString());
        }

        Assert.Equal(["""{"a":1,}""", "```json\n{}\n```", "done", "done"], texts);
    }

    [Fact]
    public async Task FinishReason_Given_IsSentAsItIs()
    {
        await BehaveAsync("""{"latency_ms":0,"finish_reason":"content_filter"}""");

        var (_, body) = await SendAsync(OpenAiRequest(OpenAiBody()));

        Assert.Equal("content_filter", body.GetProperty("choices")[0].GetProperty("finish_reason").GetString());
    }

    [Fact]
    public async Task Usage_GivenForOpenAi_IsSentVerbatimAndBilled()
    {
        const string Usage = """{"prompt_tokens":1000,"completion_tokens":7,"prompt_tokens_details":{"cached_tokens":600,"cache_write_tokens":100},"extra":true}""";
        await BehaveAsync($$"""{"latency_ms":0,"output_tokens":7,"usage":{{Usage}}}""");

        var (_, body) = await SendAsync(OpenAiRequest(OpenAiBody(model: "gpt-5.6-terra")));

        Assert.Equal(Usage, body.GetProperty("usage").GetRawText());
        var call = await OnlyCallAsync();
        Assert.Equal(1000, call.GetProperty("input_tokens").GetInt32());
        Assert.Equal(((300 * 2m) + (600 * 0.2m) + (100 * 2.5m) + (7 * 12m)) / 1_000_000m, call.GetProperty("usd").GetDecimal());
    }

    [Fact]
    public async Task Usage_GivenForAnthropicStream_IsInStartAndDelta()
    {
        await BehaveAsync("""{"latency_ms":0,"usage":{"input_tokens":3,"cache_creation":{"ephemeral_5m_input_tokens":10,"ephemeral_1h_input_tokens":20},"cache_read_input_tokens":30,"output_tokens":40}}""");

        var (_, sse) = await SendTextAsync(AnthropicRequest(AnthropicBody(model: "claude-opus-5", more: ""","stream":true""")));

        Assert.Contains("\"cache_read_input_tokens\":30,\"output_tokens\":1}", sse, StringComparison.Ordinal);
        Assert.Contains("\"cache_read_input_tokens\":30,\"output_tokens\":40}", sse, StringComparison.Ordinal);
        Assert.Equal(((3 * 5m) + (10 * 6.25m) + (20 * 10m) + (30 * 0.5m) + (40 * 25m)) / 1_000_000m, (await OnlyCallAsync()).GetProperty("usd").GetDecimal());
    }

    [Fact]
    public async Task OmitUsage_OpenAiStream_TellsNone()
    {
        await BehaveAsync("""{"latency_ms":0,"omit_usage":true}""");

        var (_, sse) = await SendTextAsync(OpenAiRequest(OpenAiBody(more: ""","stream":true,"stream_options":{"include_usage":true}""")));

        Assert.DoesNotContain("prompt_tokens", sse, StringComparison.Ordinal);
        Assert.True((await OnlyCallAsync()).GetProperty("usd").GetDecimal() > 0);
    }

    [Fact]
    public async Task AnsweringModel_Given_AnswersAtItsPrice()
    {
        await BehaveAsync("""{"latency_ms":0,"output_tokens":10,"answering_model":"openai/gpt-4o-mini"}""");

        var (_, body) = await SendChatAsync(ChatBody("Hi", model: "openai/gpt-4o"));

        Assert.Equal("openai/gpt-4o-mini", body.GetProperty("model").GetString());
        var call = await OnlyCallAsync();
        Assert.Equal(("openai/gpt-4o", "openai/gpt-4o-mini"), (call.GetProperty("model").GetString(), call.GetProperty("answering_model").GetString()));
        Assert.Equal(((5 * 0.15m) + (10 * 0.6m)) / 1_000_000m, call.GetProperty("usd").GetDecimal());
    }

    [Fact]
    public async Task Byok_OpenRouter_CostIsTheFeeAndTheLedgerHasBoth()
    {
        await BehaveAsync("""{"latency_ms":0,"output_tokens":100,"byok":true}""");

        var (_, body) = await SendChatAsync(ChatBody("Hi", model: "openai/gpt-4o"));

        var usage = body.GetProperty("usage");
        var upstream = ((5 * 2.5m) + (100 * 10m)) / 1_000_000m;
        Assert.True(usage.GetProperty("is_byok").GetBoolean());
        Assert.Equal(upstream, usage.GetProperty("cost_details").GetProperty("upstream_inference_cost").GetDecimal());
        Assert.Equal(upstream * 0.05m, usage.GetProperty("cost").GetDecimal());
        Assert.Equal(upstream * 1.05m, (await OnlyCallAsync()).GetProperty("usd").GetDecimal());
        var generation = await GenerationAsync(body.GetProperty("id").GetString()!, HttpStatusCode.OK);
        Assert.Equal(upstream * 0.05m, generation.GetProperty("data").GetProperty("total_cost").GetDecimal());
        Assert.Equal(upstream, generation.GetProperty("data").GetProperty("upstream_inference_cost").GetDecimal());
        Assert.True(generation.GetProperty("data").GetProperty("is_byok").GetBoolean());
    }

    [Fact]
    public async Task GenerationDelay_Given_404UntilItIsOver()
    {
        await BehaveAsync("""{"latency_ms":0,"output_tokens":3,"generation_delay_ms":600000}""");
        var (_, early) = await SendChatAsync(ChatBody("Hi"));
        await GenerationAsync(early.GetProperty("id").GetString()!, HttpStatusCode.NotFound);

        await BehaveAsync("""{"latency_ms":0,"output_tokens":3,"generation_delay_ms":400}""");
        var (_, body) = await SendChatAsync(ChatBody("Hi"));
        var id = body.GetProperty("id").GetString()!;
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while ((await SendGenerationAsync(id)).StatusCode is not HttpStatusCode.OK)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, deadline.Token);
        }
    }

    [Fact]
    public async Task Generation_RefusedCall_404()
    {
        await BehaveAsync("""{"error_status":429}""");
        var (response, _) = await SendChatAsync(ChatBody("Hi"));

        await GenerationAsync(Header(response, "x-generation-id"), HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Ledger_Entry_TellsProviderKeyTokensAndTimes()
    {
        await BehaveAsync("""{"latency_ms":100,"tokens_per_second":100,"output_tokens":20,"reasoning_tokens":5}""");

        await SendTextAsync(OpenAiRequest(OpenAiBody(more: ""","stream":true""")));

        var call = await OnlyCallAsync();
        Assert.Equal(("openai", 200, true), (call.GetProperty("provider").GetString(), call.GetProperty("status").GetInt32(), call.GetProperty("streamed").GetBoolean()));
        Assert.Matches("^[0-9a-f]{12}$", call.GetProperty("key").GetString());
        Assert.Equal("""{"input":5,"cache_read":0,"cache_write_5m":0,"cache_write_1h":0,"output":20,"reasoning":5}""", call.GetProperty("tokens").GetRawText());
        var (at, first, last) = (Time("at"), Time("first_byte_at"), Time("last_byte_at"));
        Assert.InRange((first - at).TotalMilliseconds, 100, 30_000);
        Assert.InRange((last - first).TotalMilliseconds, 100, 30_000);

        DateTimeOffset Time(string name) => call.GetProperty(name).GetDateTimeOffset();
    }

    [Theory]
    [InlineData("""{"hold":"now"}""", "'hold' must be one of before_response")]
    [InlineData("""{"rate_limit":{"window":"fixed"}}""", "must have requests_per_minute, tokens_per_minute or both")]
    [InlineData("""{"rate_limit":{"requests_per_minute":1,"capacity":2,"window":"sliding"}}""", "'rate_limit.capacity' is for a bucket")]
    [InlineData("""{"replies":["a",1]}""", "'replies' must be an array of strings")]
    [InlineData("""{"usage":7}""", "'usage' must be an object")]
    [InlineData("""{"byok":"yes"}""", "'byok' must be true or false")]
    public async Task Put_Invalid_SaysWhat(string body, string fault)
    {
        var response = await Http.PutAsync("/_control/behavior", Json(body));

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains(fault, Parse(await response.Content.ReadAsStringAsync()).GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    private async Task<JsonElement> GenerationAsync(string id, HttpStatusCode expected)
    {
        using var response = await SendGenerationAsync(id);
        Assert.Equal(expected, response.StatusCode);
        return Parse(await response.Content.ReadAsStringAsync());
    }

    private async Task<HttpResponseMessage> SendGenerationAsync(string id)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/openrouter/api/v1/generation?id={id}");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", "test");
        return await Http.SendAsync(request);
    }
}
