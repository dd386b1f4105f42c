using System.Net;
using System.Text.Json;
using LlmWorkflow.Client;
using LlmWorkflow.Client.Contracts;
using LlmWorkflow.Engine.ExternalServices.Caching;
using LlmWorkflow.Tests.Cli;
using LlmWorkflow.Tests.Engine.ExternalServices.Caching;
using Microsoft.Extensions.DependencyInjection;

namespace LlmWorkflow.Tests.Api;

/// <summary>The cache of services over the API, the client and the command line.</summary>
public sealed class CacheEndpointTests(ApiFixture api) : IClassFixture<ApiFixture>, IAsyncLifetime
{
    private readonly string _service = $"s_{Guid.CreateVersion7():N}";

    private ResponseCache Cache => api.App.Services.GetRequiredService<ResponseCache>();

    private WorkflowClient Admin => new(api.Http, "dev-admin-key");

    // Two operations: one asked twice, one with two questions.
    public async Task InitializeAsync()
    {
        foreach (var (operation, parameters) in new[] { ("current", "a"), ("current", "a"), ("forecast", "a"), ("forecast", "b") })
        {
            await Cache.GetOrCallAsync(
                CacheBench.Key(parameters, _service, operation), CacheBench.Hour, _ => Task.FromResult(CacheBench.Reply("[1,2]")), CancellationToken.None);
        }
    }

    public Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public async Task Stats_Client_ReadsWhatWasCounted()
    {
        var stats = await api.Client.GetCacheStatsAsync(_service);
        var one = await api.Client.GetCacheStatsAsync(_service, "current");

        Assert.Equal([("current", 1L, 1L, 1L), ("forecast", 2L, 0L, 2L)], stats.Operations.Select(o => (o.Operation, o.Entries, o.MemoryHits, o.Misses)));
        Assert.Equal((3, 15, 1, 3), (stats.Totals.Entries, stats.Totals.Bytes, stats.Totals.Hits, stats.Totals.Misses));
        Assert.InRange(stats.Totals.OldestSeconds!.Value, 0, 60);
        Assert.Equal("current", Assert.Single(one.Operations).Operation);
        Assert.Equal(1, one.Totals.Entries);
    }

    [Fact]
    public async Task Stats_Json_IsTheContractsAndTheCommandLines()
    {
        var (response, body) = await SendAsync(HttpMethod.Get, $"api/v1/cache/stats?service={_service}");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.True(JsonElement.DeepEquals(body, JsonSerializer.SerializeToElement(body.Deserialize(WorkflowJson.Default.CacheStatsResponse)!, WorkflowJson.Default.CacheStatsResponse)), body.ToString());
        using var call = Call();
        Assert.True(await call.RunAsync("cache", "stats", "--service", _service, "--json") == 0, call.Error);
        Assert.Equal(Names(body), Names(JsonElement.Parse(call.Out)));

        static IEnumerable<string> Names(JsonElement stats) => stats.GetProperty("operations")[0].EnumerateObject().Select(property => property.Name);
    }

    [Fact]
    public async Task Clear_Narrowed_DeletesThoseOnly()
    {
        Assert.Equal(1, (await Admin.ClearCacheAsync(_service, "current")).Deleted);
        Assert.Equal(1, (await Admin.ClearCacheAsync(key: CacheBench.Key("b", _service, "forecast").Text)).Deleted);
        Assert.Equal(0, (await Admin.ClearCacheAsync(key: CacheBench.Key("b", _service, "forecast").Text)).Deleted);
        Assert.Equal(1, (await api.Client.GetCacheStatsAsync(_service)).Totals.Entries);

        var (_, body) = await SendAsync(HttpMethod.Delete, $"api/v1/cache?service={_service}", "dev-admin-key");
        Assert.Equal("""{"deleted":1}""", body.GetRawText());
        // Its counts stay known.
        Assert.Equal((0, 3), ((await api.Client.GetCacheStatsAsync(_service)).Totals.Entries, (await api.Client.GetCacheStatsAsync(_service)).Totals.Misses));
    }

    [Fact]
    public async Task Clear_AppKey_IsRefused()
    {
        Assert.Equal(HttpStatusCode.Forbidden, (await SendAsync(HttpMethod.Delete, $"api/v1/cache?service={_service}")).Response.StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await api.SendAsync(HttpMethod.Delete, "api/v1/cache")).Response.StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await api.SendAsync(HttpMethod.Get, "api/v1/cache/stats")).Response.StatusCode);
        Assert.Equal(3, (await api.Client.GetCacheStatsAsync(_service)).Totals.Entries);
    }

    [Theory]
    [InlineData("GET", "cache/stats?servce=weatherapi", "servce", "is not known; there is service, operation")]
    [InlineData("GET", "cache/stats?operation=current", "operation", "needs 'service'")]
    [InlineData("GET", "cache/stats?service=", "service", "must be the name of a service")]
    [InlineData("DELETE", "cache?servic=x", "servic", "is not known; there is service, operation, key")]
    [InlineData("DELETE", "cache?service=", "service", "must be the name of a service")]
    [InlineData("DELETE", "cache?key=", "key", "service:operation:hash")]
    [InlineData("DELETE", "cache?key=weatherapi:current", "key", "service:operation:hash")]
    [InlineData("DELETE", "cache?operation=current", "operation", "needs 'service'")]
    public async Task Cache_WrongParameter_IsNamedAndNothingIsDeleted(string method, string path, string parameter, string message)
    {
        var (response, problem) = await SendAsync(HttpMethod.Parse(method), $"api/v1/{path}", "dev-admin-key");

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        var issue = Assert.Single(problem.GetProperty("errors").EnumerateArray());
        Assert.Equal(parameter, issue.GetProperty("parameter").GetString());
        Assert.Contains(message, issue.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal(3, (await api.Client.GetCacheStatsAsync(_service)).Totals.Entries);
    }

    [Theory]
    [InlineData("GET", "cache/stats?service=google_place", "google_places")]
    [InlineData("DELETE", "cache?service=google_place", "google_places")]
    [InlineData("DELETE", "cache?service=google_places&operation=nearby_serch", "nearby_search")]
    public async Task Cache_UnknownServiceOrOperation_NamesTheKnown(string method, string path, string known)
    {
        var (response, problem) = await SendAsync(HttpMethod.Parse(method), $"api/v1/{path}", "dev-admin-key");

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Equal("UnknownService", problem.GetProperty("error").GetProperty("type").GetString());
        Assert.Contains(known, problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task OpenApi_Document_DescribesBothCalls()
    {
        var document = JsonElement.Parse(await api.Http.GetStringAsync(new Uri("openapi/v1.json", UriKind.Relative)));

        var paths = document.GetProperty("paths");
        Assert.Equal(["service", "operation"], Parameters(paths.GetProperty("/api/v1/cache/stats").GetProperty("get")));
        Assert.Equal(["service", "operation", "key"], Parameters(paths.GetProperty("/api/v1/cache").GetProperty("delete")));
        Assert.True(document.GetProperty("components").GetProperty("schemas").TryGetProperty("CacheStatsResponse", out _));

        static IEnumerable<string?> Parameters(JsonElement call) => call.GetProperty("parameters").EnumerateArray().Select(parameter => parameter.GetProperty("name").GetString());
    }

    [Fact]
    public async Task CommandLine_StatsAndClear_TellAndDelete()
    {
        using var stats = Call();
        Assert.True(await stats.RunAsync("cache", "stats", "--service", _service) == 0, stats.Error);
        Assert.StartsWith("SERVICE", stats.Out, StringComparison.Ordinal);
        Assert.Contains(stats.OutLines, line => line.StartsWith($"{_service}  forecast", StringComparison.Ordinal));
        Assert.Contains(stats.OutLines, line => line.StartsWith("total ", StringComparison.Ordinal) && line.EndsWith("25.0 %", StringComparison.Ordinal));

        using var one = Call();
        Assert.True(await one.RunAsync("cache", "clear", "--service", _service, "--operation", "current") == 0, one.Error);
        Assert.Equal("1 kept reply deleted.", one.Out.Trim());
        using var rest = Call();
        Assert.True(await rest.RunAsync("cache", "clear", "--all", "--json") == 0, rest.Error);
        Assert.True(JsonElement.Parse(rest.Out).GetProperty("deleted").GetInt64() >= 2);
    }

    [Theory]
    [InlineData(2, "There is no service 'nobody'", "cache", "stats", "--service", "nobody")]
    [InlineData(2, "needs 'service'", "cache", "clear", "--operation", "current")]
    [InlineData(2, "Say --all if you mean it", "cache", "clear")]
    [InlineData(2, "--all stands alone", "cache", "clear", "--all", "--service", "weatherapi")]
    [InlineData(1, "is not reached", "cache", "stats", "--api", "http://127.0.0.1:1")]
    [InlineData(2, "--api does not give an http or https URL", "cache", "stats", "--api", "localhost")]
    [InlineData(2, "--api does not give an http or https URL", "cache", "stats", "--api", "ftp://x")]
    public async Task CommandLine_WrongUse_TellsTheReason(int code, string told, params string[] args)
    {
        using var call = Call();

        Assert.Equal(code, await call.RunAsync(args));
        Assert.Contains(told, call.Error, StringComparison.Ordinal);
        Assert.Equal(3, (await api.Client.GetCacheStatsAsync(_service)).Totals.Entries);
    }

    [Fact]
    public async Task CommandLine_Keys_ComeFromTheEnvironment()
    {
        using var wrong = Call(("ADMIN_API_KEY", "wrong"));
        Assert.Equal(1, await wrong.RunAsync("cache", "stats"));
        Assert.Contains("Set ADMIN_API_KEY to an admin key", wrong.Error, StringComparison.Ordinal);
        using var app = Call(("ADMIN_API_KEY", "dev-key"));
        Assert.Equal(1, await app.RunAsync("cache", "clear", "--all"));
        Assert.Contains("needs an admin key", app.Error, StringComparison.Ordinal);
        using var production = Call(("ENVIRONMENT", "Production"));
        Assert.Equal(2, await production.RunAsync("cache", "stats"));
        Assert.Contains("ADMIN_API_KEY is not set", production.Error, StringComparison.Ordinal);
        using var right = Call(("ENVIRONMENT", "Production"), ("ADMIN_API_KEY", "dev-admin-key,other"));
        Assert.True(await right.RunAsync("cache", "stats") == 0, right.Error);
    }

    [Fact]
    public async Task CommandLine_NoAddress_TriesThePortOfThisMachine()
    {
        using var call = new CliCall();
        call.Environment["API_PORT"] = "1";

        Assert.Equal(1, await call.RunAsync("cache", "stats"));
        Assert.Contains("http://127.0.0.1:1 is not reached", call.Error, StringComparison.Ordinal);
    }

    private CliCall Call(params (string Name, string Value)[] environment)
    {
        var call = new CliCall();
        call.Environment["LLMWORKFLOW_API_URL"] = api.Http.BaseAddress!.AbsoluteUri;
        foreach (var (name, value) in environment)
        {
            call.Environment[name] = value;
        }

        return call;
    }

    private Task<(HttpResponseMessage Response, JsonElement Body)> SendAsync(HttpMethod method, string path, string key = "dev-key") =>
        api.SendAsync(method, path, null, ("X-API-Key", key));
}
