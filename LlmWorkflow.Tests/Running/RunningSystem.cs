#if HOSTING_LOCAL
using LlmWorkflow.AppHost.Local;
#else
using Aspire.Hosting;
using Aspire.Hosting.Testing;
#endif
using System.Net.Http.Json;
using System.Text.Json;
using LlmWorkflow.AppHost;
using LlmWorkflow.AppHost.Servers;
using LlmWorkflow.Client;
using LlmWorkflow.Client.Contracts;
using LlmWorkflow.Tests.AppHost;
using LlmWorkflow.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace LlmWorkflow.Tests.Running;

/// <summary>The whole system in its own processes, started by the AppHost, on a Postgres and a Redis of the test's own that it may stop and start.</summary>
internal sealed class RunningSystem : IAsyncDisposable
{
    public const string WebhookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(3);

    private readonly string[] _settings;
    private IDistributedApplicationTestingBuilder _builder = null!;

    private RunningSystem(PostgresServer postgres, RedisServer redis, string[] settings)
    {
        Postgres = postgres;
        Redis = redis;
        _settings = settings;
        Source = NpgsqlDataSource.Create(postgres.ConnectionString("llmworkflow"));
    }

    public PostgresServer Postgres { get; }

    public RedisServer Redis { get; }

    public DistributedApplication App { get; private set; } = null!;

    public HttpClient Api { get; private set; } = null!;

    public HttpClient Simulator { get; private set; } = null!;

    public WorkflowClient Client { get; private set; } = null!;

    public NpgsqlDataSource Source { get; }

    public static async Task<RunningSystem> StartAsync(params string[] settings)
    {
        var postgres = await TestServers.StartOwnPostgresAsync();
        await postgres.EnsureDatabaseAsync("llmworkflow", CancellationToken.None);
        var system = new RunningSystem(postgres, await TestServers.StartOwnRedisAsync(), settings);
        await system.StartAppAsync();
        return system;
    }

    /// <summary>Ends every process, Postgres and Redis too (whose memory is lost), and starts all of them again.</summary>
    public async Task RestartEverythingAsync()
    {
        await StopAppAsync();
        await Redis.KillAsync();
        await Postgres.RestartAsync(CancellationToken.None);
        await Redis.RestartAsync(CancellationToken.None);
        await StartAppAsync();
    }

    public static SubmitRequest Sample(string? inbox = null) => new()
    {
        WorkflowName = "emergency_contacts",
        InputData = JsonElement.Parse(File.ReadAllText(Path.Combine(Repository.Root, "workflows", "samples", "emergency_contacts.json"))),
        WebhookUrl = inbox,
        WebhookSecret = inbox is null ? null : WebhookSecret,
    };

    public string Inbox(string name) => $"{Simulator.BaseAddress!.ToString().TrimEnd('/')}/_control/webhooks/{name}";

    public async Task BehaveAsync(string json)
    {
        using var content = new StringContent(json, System.Text.Encoding.UTF8, "application/json");
        using var response = await Simulator.PutAsync(new Uri("/_control/behavior", UriKind.Relative), content);
        response.EnsureSuccessStatusCode();
    }

    /// <summary>Submits all at once and waits until each has ended.</summary>
    /// <param name="requests">The jobs.</param>
    /// <param name="limit">Longest wait.</param>
    /// <param name="meanwhile">What happens when they are submitted; null: nothing.</param>
    public async Task<IReadOnlyList<Guid>> RunAsync(IEnumerable<SubmitRequest> requests, TimeSpan limit, Func<Task>? meanwhile = null)
    {
        var ids = (await Task.WhenAll(requests.Select(request => Client.SubmitAsync(request)))).Select(job => job.JobId).ToArray();
        await (meanwhile?.Invoke() ?? Task.CompletedTask);
        await Eventually.TrueAsync(
            async () => await ScalarAsync<long>("select count(*) from llm_workflow_jobs where status in ('completed', 'failed') and id = any($1)", ids) == ids.Length,
            limit, "the end of all jobs");
        return ids;
    }

    /// <summary>Pids of the workers that hold a lease, newest first.</summary>
    public async Task<IReadOnlyList<int>> WorkersAsync()
    {
        var pids = new List<int>();
        await using var command = Source.CreateCommand("select pid from llm_workers where expires_at > now() order by started_at desc");
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            pids.Add(reader.GetInt32(0));
        }

        return pids;
    }

    public async Task<T?> ScalarAsync<T>(string sql, params object[] parameters)
    {
        await using var command = Source.CreateCommand(sql);
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = parameter });
        }

        return await command.ExecuteScalarAsync() is T value ? value : default;
    }

    /// <summary>Waits until so many calls stand still in the simulator, and tells how many do.</summary>
    public async Task<int> HeldAsync(int count)
    {
        var held = await Simulator.GetFromJsonAsync<JsonElement>(new Uri($"/_control/holds?count={count}&timeout_ms=90000", UriKind.Relative));
        Assert.True(held.GetProperty("reached").GetBoolean(), held.GetRawText());
        return held.GetProperty("held").GetArrayLength();
    }

    /// <summary>Lets them go on.</summary>
    public async Task ReleaseAsync()
    {
        using var response = await Simulator.PostAsync(new Uri("/_control/holds/release", UriKind.Relative), null);
        response.EnsureSuccessStatusCode();
    }

    public async Task<JsonElement> LedgerAsync() =>
        await Simulator.GetFromJsonAsync<JsonElement>(new Uri("/_control/ledger?path=chat/completions", UriKind.Relative));

    public async Task<IReadOnlyList<JsonElement>> DeliveriesAsync(string inbox)
    {
        var view = await Simulator.GetFromJsonAsync<JsonElement>(new Uri($"/_control/webhooks/{inbox}", UriKind.Relative));
        return [.. view.GetProperty("deliveries").EnumerateArray()];
    }

    /// <summary>Sends a signal such as <c>-9</c> or <c>-STOP</c>.</summary>
    public static async Task SignalAsync(string signal, int processId) =>
        Assert.Equal(0, (await ToolCommand.RunAsync("kill", [signal, $"{processId}"], CancellationToken.None)).ExitCode);

    public async ValueTask DisposeAsync()
    {
        await Source.DisposeAsync();
        await StopAppAsync();
        await Redis.DisposeAsync();
        await Postgres.DisposeAsync();
    }

    private async Task StartAppAsync()
    {
        _builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.LlmWorkflow_AppHost>(
        [
            $"--DATABASE_URL={Postgres.ConnectionString("llmworkflow")}", $"--REDIS_URL={RedisUrl(Redis.ConnectionString)}", "--WORKERS=2", .. _settings,
        ]);
        App = await _builder.BuildAsync();
        using var limit = new CancellationTokenSource(StartLimit);
        await App.StartAsync(limit.Token);
        await App.Services.GetRequiredService<SystemWatch>().Ready.WaitAsync(limit.Token);
        Simulator = App.CreateHttpClient("simulator");
        Api = App.CreateHttpClient("api");
        Client = new(Api, "dev-key");
    }

    private async Task StopAppAsync()
    {
        Simulator.Dispose();
        Api.Dispose();
        await _builder.DisposeAsync();
    }

    private static string RedisUrl(string connection)
    {
        var parts = connection.Split(',');
        var password = parts.Select(p => p.Split('=', 2)).FirstOrDefault(p => p[0] == "password")?[1];
        return password is null ? $"redis://{parts[0]}" : $"redis://:{Uri.EscapeDataString(password)}@{parts[0]}";
    }
}
