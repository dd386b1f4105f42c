using System.Diagnostics;
using System.Net;
using System.Text.Json;
using LlmWorkflow.Tests.Support;

namespace LlmWorkflow.Tests.Api;

public sealed class ServiceEndpointTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    [Theory]
    [InlineData("health")]
    [InlineData("api/v1/health")]
    public async Task Health_StoresUpAndWorker_IsHealthy(string path)
    {
        await api.Engine.NewWorkerAsync();

        var (response, body) = await api.SendAsync(HttpMethod.Get, path);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.True(body.GetProperty("ok").GetBoolean());
        Assert.Equal("healthy", body.GetProperty("status").GetString());
        Assert.Equal("postgresql", body.GetProperty("services").GetProperty("database").GetProperty("type").GetString());
        Assert.True(body.GetProperty("services").GetProperty("redis").GetProperty("latency_ms").GetDouble() > 0);
        Assert.True(body.GetProperty("services").GetProperty("workers").GetProperty("workers").GetInt32() >= 1);
        Assert.Equal("openrouter", body.GetProperty("simulated")[0].GetString());
        Assert.Empty(body.GetProperty("definitions").GetProperty("problems").EnumerateArray());
    }

    [Fact]
    public async Task Health_WithoutRedis_IsDegradedAndSubmitsAreTaken()
    {
        await using var database = await TestServers.CreateDatabaseAsync();
        await using var app = await ApiFixture.StartAsync(
            ("ConnectionStrings:llmworkflow", database.ConnectionString), ("ConnectionStrings:redis", "127.0.0.1:1,connectTimeout=200,abortConnect=false"));
        using var http = ApiFixture.NewHttp(app);

        var health = JsonElement.Parse(await http.GetStringAsync(new Uri("health", UriKind.Relative)));
        var submitted = await new LlmWorkflow.Client.WorkflowClient(http, "dev-key").SubmitAsync(
            new() { WorkflowName = "emergency_contacts", InputData = JsonElement.Parse(ApiFixture.Input) });

        Assert.Equal("degraded", health.GetProperty("status").GetString());
        Assert.Equal("unhealthy", health.GetProperty("services").GetProperty("redis").GetProperty("status").GetString());
        Assert.Equal("queued", submitted.Status);
    }

    [Fact]
    public async Task Database_GoesAndComesBack_Is503ThenWorks()
    {
        await using var postgres = await TestServers.StartOwnPostgresAsync();
        await postgres.EnsureDatabaseAsync("llmworkflow", CancellationToken.None);
        await using var app = await ApiFixture.StartAsync(
            ("ConnectionStrings:llmworkflow", postgres.ConnectionString("llmworkflow")), ("ConnectionStrings:redis", await TestServers.GetRedisConnectionAsync()),
            ("REDIS_PREFIX", TestServers.NewKeyPrefix().TrimEnd(':')));
        using var http = ApiFixture.NewHttp(app);
        var client = new LlmWorkflow.Client.WorkflowClient(http, "dev-key");
        var request = new LlmWorkflow.Client.Contracts.SubmitRequest { WorkflowName = "emergency_contacts", InputData = JsonElement.Parse(ApiFixture.Input) };
        var first = await UntilAcceptedAsync(client, request);

        await postgres.StopAsync();
        var away = await Assert.ThrowsAsync<LlmWorkflow.Client.WorkflowApiException>(() => client.SubmitAsync(request));
        using var health = await http.GetAsync(new Uri("health", UriKind.Relative));
        await postgres.StartAsync(CancellationToken.None);
        await UntilAcceptedAsync(client, request);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, away.Status);
        Assert.Equal("DatabaseUnavailable", away.Problem?.Error.Type);
        Assert.True(away.Retryable);
        Assert.NotNull(away.RetryAfter);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, health.StatusCode);
        Assert.Equal("queued", (await client.GetStatusAsync(first)).Status);
    }

    [Fact]
    public async Task OpenApi_Document_DescribesEveryCall()
    {
        var document = JsonElement.Parse(await api.Http.GetStringAsync(new Uri("openapi/v1.json", UriKind.Relative)));

        Assert.StartsWith("3.1", document.GetProperty("openapi").GetString(), StringComparison.Ordinal);
        var paths = document.GetProperty("paths");
        foreach (var path in new[] { "/api/v1/workflow", "/api/v1/jobs", "/api/v1/status/{id}", "/api/v1/jobs/{id}", "/api/v1/jobs/{id}/events", "/api/v1/workflow/{id}", "/api/v1/jobs/{id}/cancel", "/health", "/api/v1/health" })
        {
            foreach (var operation in paths.GetProperty(path).EnumerateObject())
            {
                Assert.NotEmpty(operation.Value.GetProperty("summary").GetString()!);
                Assert.NotEmpty(operation.Value.GetProperty("description").GetString()!);
                Assert.All(operation.Value.GetProperty("responses").EnumerateObject(), r => Assert.NotEmpty(r.Value.GetProperty("description").GetString()!));
            }
        }

        var submit = paths.GetProperty("/api/v1/jobs").GetProperty("post");
        Assert.Equal("#/components/schemas/SubmitRequest", submit.GetProperty("requestBody").GetProperty("content").GetProperty("application/json").GetProperty("schema").GetProperty("$ref").GetString());
        Assert.Contains("Idempotency-Key", submit.GetProperty("parameters").EnumerateArray().Select(p => p.GetProperty("name").GetString()));
        Assert.Equal(["200", "202", "400", "401", "404", "409", "413", "415", "422", "500", "503"], submit.GetProperty("responses").EnumerateObject().Select(r => r.Name));
        var schemas = document.GetProperty("components").GetProperty("schemas");
        Assert.True(schemas.GetProperty("SubmitRequest").GetProperty("properties").TryGetProperty("workflow_name", out _));
        Assert.Equal(["access_token", "api_key", "api_secret", "bearer"], document.GetProperty("components").GetProperty("securitySchemes").EnumerateObject().Select(s => s.Name).Order());
        Assert.Equal(3, submit.GetProperty("security").GetArrayLength());
        Assert.DoesNotContain("\"string\"", schemas.GetProperty("SubmitRequest").GetProperty("properties").GetProperty("priority").GetProperty("type").GetRawText());
        Assert.All(submit.GetProperty("parameters").EnumerateArray(), p => Assert.NotEmpty(p.GetProperty("description").GetString()!));
    }

    [Fact]
    public async Task Docs_Page_NeedsNoKey()
    {
        using var response = await api.Http.GetAsync(new Uri("docs", UriKind.Relative));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task Trace_OfRequestWithToken_DoesNotHoldIt()
    {
        var spans = new System.Collections.Concurrent.ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = _ => true, Sample = (ref _) => ActivitySamplingResult.AllDataAndRecorded, ActivityStopped = spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        var submitted = await api.Client.SubmitAsync(new() { WorkflowName = "emergency_contacts", InputData = JsonElement.Parse(ApiFixture.Input) });
        await api.SendAsync(HttpMethod.Get, $"api/v1/jobs/{submitted.JobId}?access_token={submitted.AccessToken}");

        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!spans.Any(s => s.Kind is ActivityKind.Server && s.TagObjects.Any(t => t.Value as string == $"/api/v1/jobs/{submitted.JobId}")))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, limit.Token);
        }

        Assert.All(spans, s => Assert.DoesNotContain(s.TagObjects, t => t.Value is string text && text.Contains(submitted.AccessToken, StringComparison.Ordinal)));
    }

    private static async Task<Guid> UntilAcceptedAsync(LlmWorkflow.Client.WorkflowClient client, LlmWorkflow.Client.Contracts.SubmitRequest request)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (true)
        {
            try
            {
                return (await client.SubmitAsync(request, cancellationToken: limit.Token)).JobId;
            }
            catch (LlmWorkflow.Client.WorkflowApiException e) when (e.Retryable)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, limit.Token);
            }
        }
    }
}
