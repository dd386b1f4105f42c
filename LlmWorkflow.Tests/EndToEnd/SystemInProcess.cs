using System.Net.Http.Headers;
using LlmWorkflow.Api;
using LlmWorkflow.ServiceDefaults;
using LlmWorkflow.Simulator;
using LlmWorkflow.Tests.Engine.Definitions;
using LlmWorkflow.Tests.Support;
using LlmWorkflow.Worker;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LlmWorkflow.Tests.EndToEnd;

/// <summary>API, one worker and the simulator in this process, each with its own port and services; stores of the test run.</summary>
internal sealed class SystemInProcess : IAsyncDisposable
{
    /// <summary>What both providers take as their key; must never be seen anywhere.</summary>
    public const string UpstreamKey = "upstream-key-to-be-kept-secret";

    private readonly TestDatabase _database;
    private readonly WebApplication _simulator;
    private readonly WebApplication _worker;
    private readonly WebApplication _api;

    private SystemInProcess(TestDatabase database, string redisPrefix, WebApplication simulator, WebApplication worker, WebApplication api)
    {
        (_database, RedisPrefix, _simulator, _worker, _api) = (database, redisPrefix, simulator, worker, api);
        // Requests of the test itself make no spans: it says which trace they belong to.
        Http = new HttpClient(new SocketsHttpHandler { ActivityHeadersPropagator = null }, disposeHandler: true) { BaseAddress = new Uri(api.Urls.First()) };
        Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "dev-key");
    }

    /// <summary>Calls the API, as an app.</summary>
    public HttpClient Http { get; }

    /// <summary>Where the simulator listens.</summary>
    public Uri Simulator => new(_simulator.Urls.First());

    /// <summary>The database of this system.</summary>
    public string Database => _database.ConnectionString;

    /// <summary>Begins its keys in the Redis of the test run.</summary>
    public string RedisPrefix { get; }

    /// <param name="further">Settings that differ from the usual ones; null unsets one.</param>
    /// <param name="log">Gets what API and worker log, from level debug on.</param>
    public static async Task<SystemInProcess> StartAsync(IReadOnlyDictionary<string, string?>? further = null, ILoggerProvider? log = null)
    {
        var database = await TestServers.CreateDatabaseAsync();
        var simulator = SimulatorHost.Create("--urls", "http://127.0.0.1:0", "--Logging:LogLevel:Default", "Error");
        await simulator.StartAsync();
        var prefix = TestServers.NewKeyPrefix().TrimEnd(':');
        var settings = new Dictionary<string, string?>
        {
            ["ENVIRONMENT"] = "Development",
            ["Logging:LogLevel:Default"] = log is null ? "Error" : "Debug",
            ["WORKFLOWS_DIR"] = ShippedWorkflows.Directory,
            ["ConnectionStrings:llmworkflow"] = database.ConnectionString,
            ["ConnectionStrings:redis"] = await TestServers.GetRedisConnectionAsync(),
            ["REDIS_PREFIX"] = prefix,
            ["OPENROUTER_BASE_URL"] = $"{simulator.Urls.First()}/openrouter/api/v1",
            ["OPENROUTER_API_KEY"] = UpstreamKey,
            ["GOOGLE_PLACES_BASE_URL"] = $"{simulator.Urls.First()}/places",
            ["GOOGLE_SERVICES_API_KEY"] = UpstreamKey,
            ["WEATHERAPI_BASE_URL"] = $"{simulator.Urls.First()}/weatherapi/v1",
            ["WEATHERAPI_API_KEY"] = UpstreamKey,
        };
        foreach (var (name, value) in further ?? new Dictionary<string, string?>())
        {
            settings[name] = value;
        }

        var worker = Worker(settings);
        var api = ApiHost.Build([], builder => Configure(builder, settings));
        if (log is not null)
        {
            worker.Services.GetRequiredService<ILoggerFactory>().AddProvider(log);
            api.Services.GetRequiredService<ILoggerFactory>().AddProvider(log);
        }

        await worker.StartAsync();
        await api.StartAsync();
        return new(database, prefix, simulator, worker, api);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        foreach (var app in new[] { _api, _worker, _simulator })
        {
            await app.StopAsync();
            await app.DisposeAsync();
        }

        await _database.DisposeAsync();
    }

    private static WebApplication Worker(Dictionary<string, string?> settings)
    {
        var builder = WebApplication.CreateBuilder();
        Configure(builder, settings);
        builder.AddServiceDefaults();
        builder.AddWorkflowStores();
        builder.AddWorker();
        builder.Settings().ThrowIfAny();
        return builder.Build();
    }

    private static void Configure(WebApplicationBuilder builder, Dictionary<string, string?> settings)
    {
        builder.Configuration.AddInMemoryCollection(settings);
        builder.WebHost.UseUrls("http://127.0.0.1:0");
    }
}
