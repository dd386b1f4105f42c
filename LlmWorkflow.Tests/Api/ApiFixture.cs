using System.Text;
using System.Text.Json;
using LlmWorkflow.Api;
using LlmWorkflow.Client;
using LlmWorkflow.Engine.Queue;
using LlmWorkflow.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace LlmWorkflow.Tests.Api;

/// <summary>The API on a real port, with a database and a key prefix of its own; <see cref="Engine"/> and <see cref="Bus"/> play the worker.</summary>
public sealed class ApiFixture : IAsyncLifetime
{
    internal const string Input = """{"city": "Austin", "state": "TX", "lat": 30.2672, "lng": -97.7431}""";

    internal EngineFixture Engine { get; } = new();

    internal WebApplication App { get; private set; } = null!;

    internal HttpClient Http { get; private set; } = null!;

    internal WorkflowClient Client { get; private set; } = null!;

    internal JobEventBus Bus { get; private set; } = null!;

    internal static HttpClient NewHttp(WebApplication app) =>
        new(new SocketsHttpHandler(), disposeHandler: true) { BaseAddress = new Uri($"{app.Urls.First()}/") };

    internal static async Task<WebApplication> StartAsync(params (string Name, string Value)[] settings)
    {
        var app = ApiHost.Build(["--environment", "Development", "--urls", "http://127.0.0.1:0"], builder =>
        {
            builder.Configuration["WORKFLOWS_DIR"] = Path.Combine(Repository.Root, "workflows");
            foreach (var (name, value) in settings)
            {
                builder.Configuration[name] = value;
            }
        });
        await app.StartAsync();
        return app;
    }

    public async Task InitializeAsync()
    {
        await Engine.InitializeAsync();
        App = await StartAsync(
            ("ConnectionStrings:llmworkflow", Engine.ConnectionString),
            ("ConnectionStrings:redis", await TestServers.GetRedisConnectionAsync()),
            ("REDIS_PREFIX", Engine.Options.RedisPrefix),
            ("SIMULATED_UPSTREAMS", "openrouter"),
            ("CORS_ORIGINS", "https://app.example.com"));
        Http = NewHttp(App);
        Client = new(Http, "dev-key");
        Bus = new(Engine.Redis, Options.Create(Engine.Options), TimeProvider.System, NullLogger<JobEventBus>.Instance);
    }

    public async Task DisposeAsync()
    {
        Http.Dispose();
        await App.DisposeAsync();
        await Engine.DisposeAsync();
    }

    internal Task<(HttpResponseMessage Response, JsonElement Body)> SubmitAsync(string body, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Post, "api/v1/workflow", body, [("X-API-Key", "dev-key"), .. headers]);

    internal async Task<(HttpResponseMessage Response, JsonElement Body)> SendAsync(
        HttpMethod method, string path, string? body = null, params (string Name, string Value)[] headers)
    {
        using var message = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            message.Content = new StringContent(body, Encoding.UTF8, "application/json");
        }

        foreach (var (name, value) in headers)
        {
            Assert.True(message.Headers.TryAddWithoutValidation(name, value) || (message.Content?.Headers.Remove(name) is true && message.Content.Headers.TryAddWithoutValidation(name, value)));
        }

        var response = await Http.SendAsync(message);
        var text = await response.Content.ReadAsStringAsync();
        return (response, text.Length > 0 ? JsonElement.Parse(text) : default);
    }

    internal Task<long> CountJobsAsync() => Engine.ScalarAsync<long>("select count(*) from llm_workflow_jobs");
}
