using System.Net;
using System.Text.Json;

namespace LlmWorkflow.Tests.Simulator;

public sealed class ChatCompletionsTests : SimulatorServer
{
    [Fact]
    public async Task Post_PlainRequest_AnswersInOpenRoutersShape()
    {
        var (response, body) = await SendChatAsync(ChatBody("What is a lease?", model: "anthropic/claude-3.5-sonnet"));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.StartsWith("gen-", body.GetProperty("id").GetString(), StringComparison.Ordinal);
        Assert.Equal(body.GetProperty("id").GetString(), response.Headers.GetValues("x-generation-id").Single());
        Assert.Equal("chat.completion", body.GetProperty("object").GetString());
        Assert.Equal("anthropic/claude-3.5-sonnet", body.GetProperty("model").GetString());
        Assert.Equal("Anthropic", body.GetProperty("provider").GetString());
        var choice = Assert.Single(body.GetProperty("choices").EnumerateArray());
        Assert.Equal("assistant", choice.GetProperty("message").GetProperty("role").GetString());
        Assert.NotEmpty(choice.GetProperty("message").GetProperty("content").GetString()!);
        Assert.Equal("stop", choice.GetProperty("finish_reason").GetString());
        Assert.Equal("end_turn", choice.GetProperty("native_finish_reason").GetString());
    }

    [Theory]
    [InlineData("anthropic/claude-3.5-sonnet", 3, 15)]
    [InlineData("openai/gpt-4o-mini", 0.15, 0.6)]
    [InlineData("openai/gpt-4o-mini:nitro", 0.15, 0.6)]
    [InlineData("openai/gpt-4o-mini:free", 0, 0)]
    [InlineData("nobody/knows-this", 1, 2)]
    public async Task Post_AnyModel_ChargesTokensTimesPrice(string model, decimal inputPrice, decimal outputPrice)
    {
        await BehaveAsync("""{"latency_ms":0,"output_tokens":123,"tokens_per_second":100000}""");

        var (_, body) = await SendChatAsync(ChatBody(new string('x', 400), model: model));

        var usage = body.GetProperty("usage");
        Assert.Equal(104, usage.GetProperty("prompt_tokens").GetInt32());
        Assert.Equal(123, usage.GetProperty("completion_tokens").GetInt32());
        Assert.Equal(227, usage.GetProperty("total_tokens").GetInt32());
        Assert.Equal(((104 * inputPrice) + (123 * outputPrice)) / 1_000_000m, usage.GetProperty("cost").GetDecimal());
        var details = usage.GetProperty("cost_details");
        Assert.Equal(
            usage.GetProperty("cost").GetDecimal(),
            details.GetProperty("upstream_inference_prompt_cost").GetDecimal() + details.GetProperty("upstream_inference_completions_cost").GetDecimal());
    }

    [Fact]
    public async Task Post_SamePromptTwice_SameTextAndTokens()
    {
        await BehaveAsync("""{"latency_ms":0,"tokens_per_second":100000}""");

        var (_, first) = await SendChatAsync(ChatBody("Compare optimistic and pessimistic locking."));
        var (_, second) = await SendChatAsync(ChatBody("Compare optimistic and pessimistic locking."));
        var (_, other) = await SendChatAsync(ChatBody("Describe how a heron catches fish."));

        Assert.Equal(Content(first), Content(second));
        Assert.NotEqual(Content(first), Content(other));
        Assert.NotEqual(first.GetProperty("id").GetString(), second.GetProperty("id").GetString());
    }

    [Fact]
    public async Task Post_MaxTokensReached_StopsThereWithLength()
    {
        await BehaveAsync("""{"latency_ms":0,"tokens_per_second":100000,"reply":"one two three four five six seven eight"}""");

        var (_, body) = await SendChatAsync(ChatBody("Count.", maxTokens: 4));

        Assert.Equal(4, body.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
        Assert.Equal("length", body.GetProperty("choices")[0].GetProperty("finish_reason").GetString());
        Assert.StartsWith(Content(body), "one two three four five six seven eight", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(" ")]
    public async Task Post_WithoutToken_401(string? token)
    {
        using var request = ChatRequest(ChatBody("Hi"), token: null);
        if (token is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", "Bearer" + token);
        }

        var response = await Http.SendAsync(request);
        var error = Parse(await response.Content.ReadAsStringAsync()).GetProperty("error");

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Equal(401, error.GetProperty("code").GetInt32());
        Assert.Equal("error", (await OnlyCallAsync()).GetProperty("outcome").GetString());
    }

    [Theory]
    [InlineData("not json", "Invalid JSON body")]
    [InlineData("""{"messages":[{"role":"user","content":"Hi"}]}""", "No models provided")]
    [InlineData("""{"model":"m"}""", "Input required")]
    [InlineData("""{"model":"m","messages":[]}""", "Input required")]
    [InlineData("""{"model":"m","messages":[{"role":"robot","content":"Hi"}]}""", "role")]
    [InlineData("""{"model":"m","messages":[{"role":"user"}]}""", "content")]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"Hi"}],"max_tokens":0}""", "max_tokens")]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"Hi"}],"temperature":3}""", "temperature")]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"Hi"}],"response_format":{"type":"json_schema","json_schema":{"name":"reply","schema":{"enum":7}}}}""", "Invalid schema")]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"Hi"}],"response_format":"json"}""", "response_format.type")]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"Hi"}],"response_format":{"type":"yaml"}}""", "response_format.type")]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"Hi"}],"response_format":{"type":"json_schema","json_schema":{"schema":{}}}}""", "name and a schema")]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"Hi"}],"response_format":{"type":"json_schema"}}""", "name and a schema")]
    public async Task Post_InvalidBody_400NamesTheFault(string body, string part)
    {
        var (response, answer) = await SendChatAsync(body);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(400, answer.GetProperty("error").GetProperty("code").GetInt32());
        Assert.Contains(part, answer.GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Post_BodyOver30Megabytes_413InShapeAndInLedger()
    {
        using var request = ChatRequest(ChatBody(new string('x', 31_000_000)));
        // Else the refusal would come while the body is still being sent, which breaks the connection.
        request.Headers.ExpectContinue = true;

        var response = await Http.SendAsync(request);
        var answer = Parse(await response.Content.ReadAsStringAsync());

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        Assert.Equal(413, answer.GetProperty("error").GetProperty("code").GetInt32());
        Assert.Equal("error", (await OnlyCallAsync()).GetProperty("outcome").GetString());
    }

    [Fact]
    public async Task Post_UnknownPath_404InShapeAndInLedger()
    {
        var response = await Http.PostAsync("/openrouter/api/v1/completions", Json("{}"));

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Equal(404, Parse(await response.Content.ReadAsStringAsync()).GetProperty("error").GetProperty("code").GetInt32());
        Assert.Equal("error", (await OnlyCallAsync()).GetProperty("outcome").GetString());
    }

    [Fact]
    public async Task Post_DefaultPace_WaitsForLatencyAndTokens()
    {
        await BehaveAsync("""{"output_tokens":80}""");
        var started = TimeProvider.System.GetTimestamp();

        await SendChatAsync(ChatBody("Hi"));

        // 300 ms to the first token and 79 more at 400 per second.
        Assert.InRange(TimeProvider.System.GetElapsedTime(started).TotalMilliseconds, 490, 30_000);
    }

    [Fact]
    public async Task Health_Get_IsHealthy()
    {
        var health = Parse(await Http.GetStringAsync("/health"));

        Assert.True(health.GetProperty("ok").GetBoolean());
        Assert.Equal("healthy", health.GetProperty("status").GetString());
    }

    private static string Content(JsonElement body) => body.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString()!;
}
