using System.Net;
using System.Text.Json;
using LlmWorkflow.Client.Contracts;
using LlmWorkflow.Tests.Cli;
using LlmWorkflow.Tests.Engine.Costs;

namespace LlmWorkflow.Tests.Api;

public sealed class UsageEndpointTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    private static readonly DateTimeOffset s_day = new(2026, 11, 10, 0, 0, 0, TimeSpan.Zero);

    private readonly string _workflow = $"w_{Guid.CreateVersion7():N}";

    [Fact]
    public async Task Usage_Client_ReadsWhatTheLedgerHas()
    {
        var user = Guid.CreateVersion7();
        await InsertAsync(
            new() { UserId = user, Reported = 1, Computed = 2, At = s_day.AddHours(5) },
            new() { Computed = 0.125m, Purpose = "repair", At = s_day.AddHours(6) },
            new() { UserId = user, At = s_day.AddDays(1) });

        var request = new UsageRequest { GroupBy = ["purpose", "day"], From = s_day, To = s_day.AddDays(2), WorkflowName = _workflow };
        var all = await api.Client.GetUsageAsync(request);
        var own = await api.Client.GetUsageAsync(request with { UserId = user });
        var drift = await api.Client.GetUsageDriftAsync(request, 5);

        Assert.Equal([("repair", "2026-11-10", 0.125m), ("useful", "2026-11-10", 1m), ("useful", "2026-11-11", 0m)], all.Groups.Select(group => (group.Purpose!, group.Day!, group.CostUsd)));
        Assert.Equal((3, 1, 1.125m, 2.125m), (all.Totals.Calls, all.Totals.UnpricedCalls, all.Totals.CostUsd, all.Totals.ComputedUsd));
        Assert.Equal(3300, all.Totals.Tokens.Total);
        Assert.Equal((s_day, s_day.AddDays(2), 1, false), (all.From, all.To, all.Drift.Calls, all.Truncated));
        Assert.Equal(2, own.Totals.Calls);
        Assert.Equal((1m, 1m, _workflow), drift.Calls.Select(call => (call.Drift, call.ReportedUsd, call.Workflow)).Single());
    }

    [Fact]
    public async Task Usage_Json_IsTheContractsAndTheCommandLines()
    {
        await InsertAsync(new() { Reported = 1, Computed = 2, Terms = ["speed:fast"] }, new() { Computed = 0.5m });
        var range = $"from=2026-11-10&to=2026-11-11T00:00:00Z&workflow_name={_workflow}";
        string[] options = ["--from", "2026-11-10", "--to", "2026-11-11", "--workflow", _workflow, "--json"];

        var (_, report) = await SendAsync($"api/v1/usage?group_by=model,user&{range}");
        var (_, drift) = await SendAsync($"api/v1/usage/drift?{range}");

        Assert.True(JsonElement.DeepEquals(report, JsonSerializer.SerializeToElement(report.Deserialize(WorkflowJson.Default.UsageResponse)!, WorkflowJson.Default.UsageResponse)), report.ToString());
        Assert.True(JsonElement.DeepEquals(drift, JsonSerializer.SerializeToElement(drift.Deserialize(WorkflowJson.Default.DriftResponse)!, WorkflowJson.Default.DriftResponse)), drift.ToString());
        Assert.True(JsonElement.DeepEquals(report, await RunAsync(["usage", "--by", "model,user", .. options])));
        Assert.True(JsonElement.DeepEquals(drift, await RunAsync(["usage", "--drift", .. options])));
    }

    [Fact]
    public async Task Usage_NoParameters_IsTheLastThirtyDaysByDay()
    {
        var (response, report) = await SendAsync("api/v1/usage");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("day", Assert.Single(report.GetProperty("group_by").EnumerateArray()).GetString());
        Assert.Equal(TimeSpan.FromDays(30), report.GetProperty("to").GetDateTimeOffset() - report.GetProperty("from").GetDateTimeOffset());
    }

    [Theory]
    [InlineData("usage?group_by=dya", "group_by", "did you mean 'day'?")]
    [InlineData("usage?group_by=day,", "group_by", "must be one or more of day, model, provider, workflow, user, purpose")]
    [InlineData("usage?from=yesterday", "from", "must be an ISO 8601 date")]
    [InlineData("usage?from=2026-11-11&to=2026-11-11", "from", "must be before 'to'")]
    [InlineData("usage?user_id=me", "user_id", "must be a UUID")]
    [InlineData("usage?workflow_name=a%00b", "workflow_name", "must be the name of a workflow")]
    [InlineData("usage/drift?limit=0", "limit", "must be a whole number from 1 to 1000")]
    [InlineData("usage/drift?to=2026-13-01", "to", "must be an ISO 8601 date")]
    public async Task Usage_WrongParameter_IsNamed(string path, string parameter, string message)
    {
        var (response, problem) = await SendAsync($"api/v1/{path}");

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        var issue = Assert.Single(problem.GetProperty("errors").EnumerateArray());
        Assert.Equal(parameter, issue.GetProperty("parameter").GetString());
        Assert.Contains(message, issue.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Usage_WithoutAKey_IsRefused()
    {
        Assert.Equal(HttpStatusCode.Unauthorized, (await api.SendAsync(HttpMethod.Get, "api/v1/usage")).Response.StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await api.SendAsync(HttpMethod.Get, "api/v1/usage", null, ("X-API-Key", "dev-admin-key"))).Response.StatusCode);
    }

    [Fact]
    public async Task OpenApi_Document_DescribesBothCalls()
    {
        var document = JsonElement.Parse(await api.Http.GetStringAsync(new Uri("openapi/v1.json", UriKind.Relative)));

        var usage = document.GetProperty("paths").GetProperty("/api/v1/usage").GetProperty("get");
        Assert.Equal(["group_by", "from", "to", "user_id", "workflow_name"], usage.GetProperty("parameters").EnumerateArray().Select(parameter => parameter.GetProperty("name").GetString()));
        Assert.True(document.GetProperty("paths").TryGetProperty("/api/v1/usage/drift", out _));
        Assert.True(document.GetProperty("components").GetProperty("schemas").TryGetProperty("UsageResponse", out _));
    }

    private async Task<JsonElement> RunAsync(params string[] args)
    {
        using var call = new CliCall();
        call.Environment["DATABASE_URL"] = api.Engine.ConnectionString;
        Assert.True(await call.RunAsync(args) == 0, call.Error);
        return JsonElement.Parse(call.Out);
    }

    private Task<(HttpResponseMessage Response, JsonElement Body)> SendAsync(string path) => api.SendAsync(HttpMethod.Get, path, null, ("X-API-Key", "dev-key"));

    private async Task InsertAsync(params LedgerRow[] rows)
    {
        foreach (var row in rows)
        {
            await (row with { Workflow = _workflow }).InsertAsync(api.Engine);
        }
    }
}
