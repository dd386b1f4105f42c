using System.Diagnostics;
using System.Net;
using System.Text.Json;

namespace LlmWorkflow.Tests.Simulator;

public sealed class ServiceFaultTests : ServiceWire
{
    [Fact]
    public async Task Reset_BeforeTheReply_NoStatusAndAborted()
    {
        await BehaveAsync("""{"fault":"reset"}""");

        using var request = Example(HttpMethod.Post, "items", """{"name":"a"}""");
        await Assert.ThrowsAsync<HttpRequestException>(() => Http.SendAsync(request));

        var call = await OnlyCallAsync();
        Assert.Equal(("aborted", JsonValueKind.Null), (call.GetProperty("outcome").GetString(), call.GetProperty("status").ValueKind));
    }

    [Fact]
    public async Task ResetInBody_AfterHalf_BreaksTheBody()
    {
        await BehaveAsync("""{"fault":"reset_in_body"}""");
        using var request = Example(HttpMethod.Get, "items");
        using var response = await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        await Assert.ThrowsAnyAsync<Exception>(() => response.Content.ReadAsStringAsync());
        Assert.Equal("aborted", (await OnlyCallAsync()).GetProperty("outcome").GetString());
    }

    [Theory]
    [InlineData("")]
    [InlineData(""","error_status":500""")]
    public async Task MalformedJson_ReplyOrError_IsCalledJsonAndIsNone(string more)
    {
        await BehaveAsync($$"""{"fault":"malformed_json"{{more}}}""");

        using var response = await SendAsync(Weather("current.json?q=Austin"));

        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        var text = await response.Content.ReadAsStringAsync();
        Assert.ThrowsAny<JsonException>(() => JsonDocument.Parse(text));
    }

    [Fact]
    public async Task EndlessBody_ReadOn_NeverEndsUntilTheClientLeaves()
    {
        await BehaveAsync("""{"fault":"endless_body"}""");
        using (var request = Example(HttpMethod.Get, "items"))
        using (var response = await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead))
        {
            await using var body = await response.Content.ReadAsStreamAsync();
            var buffer = new byte[64 * 1024];
            for (var read = 0; read < 5_000_000;)
            {
                var count = await body.ReadAsync(buffer);
                Assert.NotEqual(0, count);
                read += count;
            }
        }

        Assert.Equal("aborted", (await OnlyCallAsync()).GetProperty("outcome").GetString());
    }

    [Fact]
    public async Task BytesPerSecond_Slow_TakesAsLong()
    {
        var whole = (await ReadAsync(Example(HttpMethod.Get, "items/item-001"))).GetRawText();
        await BehaveAsync("""{"latency_ms":0,"bytes_per_second":200}""");
        var started = Stopwatch.StartNew();

        Assert.Equal(whole, (await ReadAsync(Example(HttpMethod.Get, "items/item-001"))).GetRawText());
        Assert.InRange(started.Elapsed.TotalSeconds, whole.Length / 200.0 * 0.9, 60);
    }

    [Theory]
    [InlineData("", 200)]
    [InlineData(""","error_status":502""", 502)]
    public async Task Html_ReplyOrError_IsAPage(string more, int status)
    {
        await BehaveAsync($$"""{"fault":"html"{{more}}}""");

        using var response = await SendAsync(Weather("current.json?q=Austin"));

        Assert.Equal((status, "text/html"), ((int)response.StatusCode, response.Content.Headers.ContentType?.MediaType));
        Assert.StartsWith("<!DOCTYPE html>", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task RedirectTo_Url_307KeepsTheMethod()
    {
        await BehaveAsync("""{"match":{"path":"/weatherapi"},"redirect_to":"/example/v1/status"}""");

        using var handler = new SocketsHttpHandler { AllowAutoRedirect = false };
        using var client = new HttpClient(handler, disposeHandler: false) { BaseAddress = Http.BaseAddress };
        using var request = Weather("current.json?q=Austin");
        using var response = await client.SendAsync(request);

        Assert.Equal(HttpStatusCode.TemporaryRedirect, response.StatusCode);
        Assert.Equal("/example/v1/status", response.Headers.Location?.OriginalString);
        Assert.Equal(307, (await OnlyCallAsync()).GetProperty("status").GetInt32());
    }

    [Theory]
    [InlineData("")]
    [InlineData(""","error_status":500""")]
    [InlineData(""","error_status":200""")]
    public async Task EchoKey_Any_IsInTheBodyOnly(string more)
    {
        await BehaveAsync($$"""{"fault":"echo_key"{{more}}}""");

        foreach (var request in new[] { Weather("current.json?q=Austin"), Example(HttpMethod.Get, "items"), Places(HttpMethod.Post, "places:searchText", """{"textQuery":"park"}""") })
        {
            using var response = await SendAsync(request);
            Assert.Contains(Key, await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }

        Assert.DoesNotContain(Key, await Http.GetStringAsync("/_control/ledger"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ErrorStatus200_Each_HasTheServicesOwnForm()
    {
        await BehaveAsync("""{"error_status":200}""");

        Assert.Equal("REQUEST_DENIED", (await ReadAsync(Places(HttpMethod.Post, "places:searchText", """{"textQuery":"park"}"""))).GetProperty("status").GetString());
        Assert.Equal(9999, (await ReadAsync(Weather("current.json?q=Austin"))).GetProperty("error").GetProperty("code").GetInt32());
        Assert.Equal("failed", (await ReadAsync(Example(HttpMethod.Get, "items"))).GetProperty("status").GetString());
        Assert.All(await LedgerAsync(), call => Assert.Equal(("error", 200), (call.GetProperty("outcome").GetString(), call.GetProperty("status").GetInt32())));
    }

    [Theory]
    [InlineData("/places", 429, "RESOURCE_EXHAUSTED")]
    [InlineData("/weatherapi", 429, "2007")]
    [InlineData("/example", 429, "rate_limited")]
    [InlineData("/places", 503, "UNAVAILABLE")]
    [InlineData("/example", 503, "unavailable")]
    public async Task ErrorStatus_WithRetryAfter_InShape(string path, int status, string code)
    {
        await BehaveAsync($$"""{"match":{"path":"{{path}}"},"error_status":{{status}},"retry_after":7}""");

        using var response = await SendAsync(path switch
        {
            "/places" => Places(HttpMethod.Post, "places:searchText", """{"textQuery":"park"}"""),
            "/weatherapi" => Weather("current.json?q=Austin"),
            _ => Example(HttpMethod.Get, "items"),
        });

        Assert.Equal((status, "7"), ((int)response.StatusCode, response.Headers.GetValues("retry-after").Single()));
        Assert.Contains(code, await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task RateLimit_EachKey_ItsOwnBucket()
    {
        await BehaveAsync("""{"latency_ms":0,"rate_limit":{"requests_per_minute":1,"capacity":2}}""");

        var statuses = new List<HttpStatusCode>();
        for (var i = 0; i < 3; i++)
        {
            statuses.Add((await AskAsync(Weather("current.json?q=Austin"))).Status);
        }

        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.TooManyRequests], statuses);
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(Weather("current.json?q=Austin", "another"))).Status);
    }

    [Theory]
    [InlineData("before_response")]
    [InlineData("before_first_byte")]
    [InlineData("mid_stream")]
    [InlineData("before_last_byte")]
    [InlineData("after_last_byte")]
    public async Task Hold_AtEachPoint_GoesOnWhenReleased(string point)
    {
        await BehaveAsync($$"""{"hold":"{{point}}","times":1}""");

        var answer = ReadAsync(Weather("current.json?q=Austin"));
        Assert.True(Parse(await Http.GetStringAsync($"/_control/holds?id={point}&count=1")).GetProperty("reached").GetBoolean());
        Assert.False(answer.IsCompleted);
        await Http.PostAsync("/_control/holds/release", content: null);

        Assert.True((await answer).TryGetProperty("current", out _));
        Assert.Equal("completed", (await OnlyCallAsync()).GetProperty("outcome").GetString());
    }

    [Fact]
    public async Task MatchText_Query_ChoosesTheCall()
    {
        await BehaveAsync("""{"match":{"text":"q=Austin"},"error_status":500}""");

        Assert.Equal(HttpStatusCode.InternalServerError, (await AskAsync(Weather("current.json?q=Austin"))).Status);
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(Weather("current.json?q=Boston"))).Status);
    }

    [Theory]
    [InlineData("""{"fault":"slow"}""", "reset, reset_in_body, malformed_json, endless_body, html, echo_key")]
    [InlineData("""{"bytes_per_second":0}""", "'bytes_per_second' must be a number from 0.01")]
    [InlineData("""{"redirect_to":"nonsense"}""", "'redirect_to' must be an absolute URL or a path")]
    public async Task Put_Invalid_SaysWhatIsAllowed(string body, string part)
    {
        using var response = await Http.PutAsync("/_control/behavior", Json(body));

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains(part, Parse(await response.Content.ReadAsStringAsync()).GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request)
    {
        using (request)
        {
            return await Http.SendAsync(request);
        }
    }
}
