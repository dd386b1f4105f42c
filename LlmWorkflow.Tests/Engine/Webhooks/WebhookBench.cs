using LlmWorkflow.Engine;
using LlmWorkflow.Engine.ExternalServices;
using LlmWorkflow.Engine.Storage;
using LlmWorkflow.Engine.Webhooks;
using LlmWorkflow.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace LlmWorkflow.Tests.Engine.Webhooks;

/// <summary>A database with the schema, and deliverers on it.</summary>
internal sealed class WebhookBench : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private readonly TestDatabase? testDatabase;
    private readonly List<IAsyncDisposable> running = [];

    private WebhookBench(TestDatabase? testDatabase, NpgsqlDataSource source)
    {
        this.testDatabase = testDatabase;
        Source = source;
        Store = new WebhookStore(new Database(source, TimeProvider.System, NullLogger<Database>.Instance));
    }

    public NpgsqlDataSource Source { get; }

    public WebhookStore Store { get; }

    /// <summary>Short delays; the database's clock decides what is due.</summary>
    public EngineOptions Options { get; } = new()
    {
        AllowPrivateWebhooks = true,
        EncryptionKey = "0123456789abcdef0123456789abcdef",
        WebhookRetryDelays = [TimeSpan.FromMilliseconds(10), TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(30)],
    };

    public WebhookLimits Limits { get; set; } = new() { FailingPause = TimeSpan.FromMilliseconds(10) };

    public SecretBox Secrets => new(Options);

    public static async Task<WebhookBench> StartAsync()
    {
        var database = await TestServers.CreateDatabaseAsync();
        return await StartAsync(database.ConnectionString, database);
    }

    /// <summary>On a database of the caller's.</summary>
    public static async Task<WebhookBench> StartAsync(string connectionString, TestDatabase? own = null)
    {
        var source = NpgsqlDataSource.Create(connectionString);
        await new Migrator(source, NullLogger<Migrator>.Instance).UpAsync(CancellationToken.None);
        return new(own, source);
    }

    /// <summary>A deliverer that no loop drives yet; ends with the bench.</summary>
    public WebhookDelivery Deliverer(DestinationGuard? guard = null)
    {
        var delivery = new WebhookDelivery(
            Store, Secrets, guard ?? new DestinationGuard(), Options, TimeProvider.System, NullLogger<WebhookDelivery>.Instance, Limits);
        running.Add(delivery);
        return delivery;
    }

    /// <summary>A deliverer in a loop like the worker's; ends with the bench.</summary>
    public WebhookDelivery Run(DestinationGuard? guard = null)
    {
        var delivery = Deliverer(guard);
        running.Add(new DeliveryLoop(delivery));
        return delivery;
    }

    public async Task<Guid> AddAsync(
        string url, Guid? jobId = null, string payload = "{}", byte[]? secret = null, string name = "workflow.completed", string? trace = null)
    {
        var id = Guid.CreateVersion7();
        await using var command = Source.CreateCommand(
            "insert into llm_webhook_deliveries (id, job_id, event, url, secret, payload, trace_parent) values ($1, $2, $3, $4, $5, $6, $7)");
        foreach (var value in new object?[] { id, jobId ?? Guid.CreateVersion7(), name, url, secret, payload, trace })
        {
            command.Parameters.Add(new() { Value = value ?? DBNull.Value });
        }

        await command.ExecuteNonQueryAsync();
        return id;
    }

    /// <summary>Rows of a query, as text values.</summary>
    public async Task<List<IReadOnlyList<string?>>> QueryAsync(string sql, params object[] values)
    {
        await using var command = Source.CreateCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.Add(new() { Value = value });
        }

        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<IReadOnlyList<string?>>();
        while (await reader.ReadAsync())
        {
            rows.Add([.. Enumerable.Range(0, reader.FieldCount).Select(i => reader.IsDBNull(i) ? null : reader.GetValue(i).ToString())]);
        }

        return rows;
    }

    /// <summary>One value.</summary>
    public async Task<string?> ValueAsync(string sql, params object[] values) => (await QueryAsync(sql, values)).Single().Single();

    /// <summary>Waits until a query gives a value.</summary>
    public async Task UntilAsync(string expected, string sql, params object[] values)
    {
        using var deadline = new CancellationTokenSource(Limit);
        for (var actual = await ValueAsync(sql, values); actual != expected; actual = await ValueAsync(sql, values))
        {
            Assert.False(deadline.IsCancellationRequested, $"Still {actual} instead of {expected}: {sql}");
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System);
        }
    }

    /// <summary>Waits until a delivery is in a state.</summary>
    public Task UntilStateAsync(Guid id, string state) => UntilAsync(state, "select state from llm_webhook_deliveries where id = $1", id);

    public async ValueTask DisposeAsync()
    {
        running.Reverse();
        foreach (var one in running)
        {
            await one.DisposeAsync();
        }

        await Source.DisposeAsync();
        if (testDatabase is not null)
        {
            await testDatabase.DisposeAsync();
        }
    }

    private sealed class DeliveryLoop : IAsyncDisposable
    {
        private readonly CancellationTokenSource stop = new();
        private readonly Task loop;

        public DeliveryLoop(WebhookDelivery delivery) => loop = Task.Run(() => LoopAsync(delivery));

        public async ValueTask DisposeAsync()
        {
            await stop.CancelAsync();
            await loop;
            stop.Dispose();
        }

        private async Task LoopAsync(WebhookDelivery delivery)
        {
            try
            {
                while (!stop.IsCancellationRequested)
                {
                    if (!await delivery.RunOnceAsync(stop.Token))
                    {
                        await delivery.WaitAsync(TimeSpan.FromMilliseconds(20), stop.Token);
                    }
                }
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
            }
        }
    }
}
