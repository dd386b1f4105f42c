using System.Runtime.CompilerServices;
using System.Text.Json;
using LlmWorkflow.Engine;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Queue;
using LlmWorkflow.Engine.Storage;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using StackExchange.Redis;

namespace LlmWorkflow.Tests.Support;

/// <summary>A database and a key prefix of a test class's own, with the engine's stores over them.</summary>
public sealed class EngineFixture : IAsyncLifetime
{
    private TestDatabase? _database;

    internal EngineOptions Options { get; } = new() { RedisPrefix = TestServers.NewKeyPrefix().TrimEnd(':'), EncryptionKey = new string('k', 32) };

    internal NpgsqlDataSource Source { get; private set; } = null!;

    internal string ConnectionString => _database!.ConnectionString;

    internal Database Database { get; private set; } = null!;

    internal IConnectionMultiplexer Redis { get; private set; } = null!;

    internal JobStore Jobs { get; private set; } = null!;

    internal LeaseStore Leases { get; private set; } = null!;

    internal CheckpointStore Checkpoints { get; private set; } = null!;

    internal QueueStore Queue { get; private set; } = null!;

    internal JobStream Stream { get; private set; } = null!;

    internal static StoredDefinition Definition { get; } =
        new(new string('a', 64), "sample", """{"name":"sample","steps":[]}""", new Dictionary<string, string>(), new Dictionary<string, string>());

    [ModuleInitializer]
    internal static void PrepareTemplate() => TestServers.PrepareTemplate = async (connectionString, cancellationToken) =>
    {
        await using var source = NpgsqlDataSource.Create(connectionString);
        await new Migrator(source, NullLogger<Migrator>.Instance).UpAsync(cancellationToken);
    };

    public async Task InitializeAsync()
    {
        _database = await TestServers.CreateDatabaseAsync();
        Source = NpgsqlDataSource.Create(_database.ConnectionString);
        Database = new(Source, TimeProvider.System, NullLogger<Database>.Instance);
        Jobs = new(Database);
        Leases = new(Database);
        Checkpoints = new(Database);
        Queue = new(Database);
        Redis = await ConnectionMultiplexer.ConnectAsync(await TestServers.GetRedisConnectionAsync());
        Stream = new(Redis, Microsoft.Extensions.Options.Options.Create(Options), NullLogger<JobStream>.Instance);
        await new DefinitionStore(Database).EnsureAsync(Definition, CancellationToken.None);
    }

    public async Task DisposeAsync()
    {
        await Jobs.DisposeAsync();
        await Checkpoints.DisposeAsync();
        Redis.Dispose();
        await Source.DisposeAsync();
        if (_database is not null)
        {
            await _database.DisposeAsync();
        }
    }

    internal static NewJob NewJob(short priority = 5, string? idempotencyKey = null, string? hash = "h", DateTimeOffset? runAt = null) => new()
    {
        Identity = new()
        {
            JobId = Guid.CreateVersion7(), WorkflowName = "sample", DefinitionHash = Definition.Hash, Priority = priority,
        },
        Input = JsonElement.Parse("""{"a":1}"""),
        Event = "{}",
        RunAt = runAt,
        IdempotencyKey = idempotencyKey,
        IdempotencyScope = idempotencyKey is null ? null : "scope",
        RequestHash = hash,
        Webhook = new("http://localhost:1/hook", ["workflow.completed", "workflow.failed"]),
    };

    internal async Task<WorkerIdentity> NewWorkerAsync(TimeSpan? lease = null, int processId = 0, string bootId = "boot")
    {
        var worker = new WorkerIdentity(Guid.CreateVersion7(), "host", bootId, processId == 0 ? Environment.ProcessId : processId, "test", 10);
        await Leases.RegisterAsync(worker, lease ?? TimeSpan.FromSeconds(30), CancellationToken.None);
        return worker;
    }

    /// <summary>A stored job that <paramref name="worker"/> owns.</summary>
    internal async Task<ClaimedJob> NewClaimAsync(WorkerIdentity worker, NewJob? job = null)
    {
        var stored = await Jobs.InsertAsync(job ?? NewJob(), CancellationToken.None);
        return Assert.Single(await Leases.ClaimAsync(worker.Id, [stored.JobId], CancellationToken.None));
    }

    /// <summary>One value of the database.</summary>
    internal async Task<T?> ScalarAsync<T>(string sql, params object[] parameters)
    {
        await using var command = Source.CreateCommand(sql);
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = parameter });
        }

        return await command.ExecuteScalarAsync() is T value ? value : default;
    }
}
