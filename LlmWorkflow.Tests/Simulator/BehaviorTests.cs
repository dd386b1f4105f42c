using System.Net;
using System.Text.Json;

namespace LlmWorkflow.Tests.Simulator;

public sealed class BehaviorTests : SimulatorServer
{
    [Fact]
    public async Task Put_SeveralEntries_LaterMatchingOneWinsPerField()
    {
        await BehaveAsync("""
            [{"latency_ms":0,"reply":"first"},
             {"match":{"model":"gpt-4o"},"reply":"by model"},
             {"match":{"text":"needle"},"output_tokens":3},
             {"match":{"path":"/places"},"reply":"never here"}]
            """);

        Assert.Equal(("first", 2), await ReplyAsync("hay", "openai/gpt-4o-mini"));
        Assert.Equal(("by model", 2), await ReplyAsync("hay", "openai/gpt-4o"));
        Assert.Equal(("by model", 3), await ReplyAsync("a needle in hay", "openai/gpt-4o"));
        Assert.Equal(("first", 3), await ReplyAsync("a needle in hay", "openai/gpt-4o-mini"));
    }

    [Fact]
    public async Task Put_Again_ReplacesAllAndDeleteResets()
    {
        await BehaveAsync("""[{"reply":"a"},{"error_status":500}]""");
        await BehaveAsync("""{"latency_ms":0,"reply":"b"}""");

        Assert.Equal("b", (await ReplyAsync("Hi")).Text);
        var shown = Parse(await Http.GetStringAsync("/_control/behavior"));
        Assert.Equal("b", Assert.Single(shown.EnumerateArray()).GetProperty("reply").GetString());

        await Http.DeleteAsync("/_control/behavior");

        Assert.Empty(Parse(await Http.GetStringAsync("/_control/behavior")).EnumerateArray());
        Assert.NotEqual("b", (await ReplyAsync("Hi")).Text);
    }

    [Theory]
    [InlineData(400, "invalid_request")]
    [InlineData(402, "payment_required")]
    [InlineData(429, "rate_limit_exceeded")]
    [InlineData(500, "server")]
    [InlineData(502, "provider_unavailable")]
    [InlineData(503, "provider_overloaded")]
    public async Task ErrorStatus_Set_AnswersItInShapeAtNoCost(int status, string type)
    {
        await BehaveAsync($$"""{"error_status":{{status}},"retry_after":7}""");

        var (response, body) = await SendChatAsync(ChatBody("Hi", stream: true));

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal("7", response.Headers.GetValues("retry-after").Single());
        Assert.Equal(status, body.GetProperty("error").GetProperty("code").GetInt32());
        Assert.Equal(type, body.GetProperty("error").GetProperty("metadata").GetProperty("error_type").GetString());
        var call = await OnlyCallAsync();
        Assert.Equal("error", call.GetProperty("outcome").GetString());
        Assert.Equal(0, call.GetProperty("input_tokens").GetInt32());
        Assert.Equal(0m, call.GetProperty("usd").GetDecimal());
    }

    [Fact]
    public async Task ErrorStatus_200_ErrorInTheBodyOfAnOkReply()
    {
        await BehaveAsync("""{"latency_ms":0,"error_status":200}""");

        var (response, body) = await SendChatAsync(ChatBody("Hi"));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(502, body.GetProperty("error").GetProperty("code").GetInt32());
        Assert.Equal("error", (await OnlyCallAsync()).GetProperty("outcome").GetString());
    }

    [Fact]
    public async Task ErrorRate_Share_HitsAboutThatShareAndTheSameCallsEachTime()
    {
        var first = await FailuresAsync();
        var second = await FailuresAsync();

        Assert.InRange(first.Count(failed => failed), 15, 45);
        Assert.Equal(first, second);

        async Task<List<bool>> FailuresAsync()
        {
            await BehaveAsync("""{"latency_ms":0,"output_tokens":1,"error_rate":0.3}""");
            var failures = new List<bool>();
            for (var i = 0; i < 100; i++)
            {
                failures.Add((await SendChatAsync(ChatBody("Hi"))).Response.StatusCode is HttpStatusCode.InternalServerError);
            }

            return failures;
        }
    }

    [Fact]
    public async Task RequestsPerMinute_Exceeded_429WithHeaders()
    {
        await BehaveAsync("""[{"latency_ms":0},{"match":{"model":"openai/gpt-4o"},"requests_per_minute":2}]""");

        Assert.Equal(HttpStatusCode.OK, (await SendChatAsync(ChatBody("1"))).Response.StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await SendChatAsync(ChatBody("2"))).Response.StatusCode);
        var (refused, body) = await SendChatAsync(ChatBody("3"));
        var (other, _) = await SendChatAsync(ChatBody("4", model: "openai/gpt-4o-mini"));

        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.Equal(429, body.GetProperty("error").GetProperty("code").GetInt32());
        Assert.InRange(int.Parse(refused.Headers.GetValues("retry-after").Single()), 30, 60);
        Assert.Equal("2", refused.Headers.GetValues("x-ratelimit-limit").Single());
        Assert.Equal("0", refused.Headers.GetValues("x-ratelimit-remaining").Single());
        Assert.Equal(HttpStatusCode.OK, other.StatusCode);
    }

    [Fact]
    public async Task RequestsPerMinute_WithRetryAfter_SendsThat()
    {
        await BehaveAsync("""{"requests_per_minute":0,"retry_after":0.25}""");

        var (refused, _) = await SendChatAsync(ChatBody("1"));

        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.Equal("1", refused.Headers.GetValues("retry-after").Single());
        Assert.Equal("250", refused.Headers.GetValues("retry-after-ms").Single());
    }

    [Theory]
    [InlineData("""{"latency":1}""", "'latency' is not a field", "latency_ms")]
    [InlineData("""{"match":{"modell":"x"}}""", "'match.modell' is not a field", "path, model, text")]
    [InlineData("""{"error_rate":1.5}""", "'error_rate' must be a number from 0 to 1", "1.5")]
    [InlineData("""{"latency_ms":"fast"}""", "'latency_ms' must be a number", "fast")]
    [InlineData("""{"output_tokens":1.5}""", "'output_tokens' must be a whole number", "1.5")]
    [InlineData("""{"error_status":302}""", "'error_status' must be 400 to 599", "302")]
    [InlineData("""[{},{"reply":7}]""", "'[1].reply' must be a string", "a number")]
    [InlineData("7", "must be a behavior object or an array", "a number")]
    [InlineData("{", "not JSON", "")]
    public async Task Put_Invalid_400SaysWhatAndWhatIsAllowed(string body, string fault, string part)
    {
        await BehaveAsync("""{"reply":"kept"}""");

        var response = await Http.PutAsync("/_control/behavior", Json(body));
        var problem = Parse(await response.Content.ReadAsStringAsync());

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        Assert.Contains(fault, problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Contains(part, problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Contains("kept", await Http.GetStringAsync("/_control/behavior"), StringComparison.Ordinal);
    }

    private async Task<(string Text, int Tokens)> ReplyAsync(string prompt, string model = "openai/gpt-4o")
    {
        var (response, body) = await SendChatAsync(ChatBody(prompt, model: model));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return (body.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString()!,
            body.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
    }
}
