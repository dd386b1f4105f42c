using System.Globalization;
using LlmWorkflow.AppHost.Servers;
using Npgsql;

namespace LlmWorkflow.Tests.Support;

/// <summary>
/// One Postgres and one Redis for the whole test run, started when first asked for, without flushing to disk; they and their files
/// go when the test process ends, also when it is killed.
/// </summary>
internal static class TestServers
{
    private const string TemplateName = "template_llmworkflow";
    private static readonly Lazy<Task<PostgresServer>> Postgres = new(StartPostgresAsync);
    private static readonly Lazy<Task<RedisServer>> Redis = new(StartRedisAsync);
    private static int lastNumber;

    /// <summary>Fills the template database that each test's database is a copy of. Set before the first database is made.</summary>
    public static Func<string, CancellationToken, Task> PrepareTemplate { get; set; } = (_, _) => Task.CompletedTask;

    /// <summary>A copy of the template database, dropped when disposed.</summary>
    public static async Task<TestDatabase> CreateDatabaseAsync(CancellationToken cancellationToken = default)
    {
        var server = await Postgres.Value.WaitAsync(cancellationToken);
        var name = "test_" + Interlocked.Increment(ref lastNumber).ToString(CultureInfo.InvariantCulture);
        await ExecuteAsync(server, $"CREATE DATABASE {name} TEMPLATE {TemplateName}", cancellationToken);
        return new TestDatabase(name, server.ConnectionString(name));
    }

    /// <summary>The StackExchange.Redis configuration of the run's Redis; keep to keys under a prefix of <see cref="NewKeyPrefix"/>.</summary>
    public static async Task<string> GetRedisConnectionAsync(CancellationToken cancellationToken = default) =>
        (await Redis.Value.WaitAsync(cancellationToken)).ConnectionString;

    /// <summary>A key prefix that no other test of this run has.</summary>
    public static string NewKeyPrefix() => string.Create(CultureInfo.InvariantCulture, $"t{Interlocked.Increment(ref lastNumber)}:");

    /// <summary>A Postgres of the test's own, to stop, kill and restart; the caller disposes it.</summary>
    public static Task<PostgresServer> StartOwnPostgresAsync(CancellationToken cancellationToken = default) =>
        PostgresServer.StartAsync(new LocalServerOptions { Directory = NewDirectory("postgres"), Ephemeral = true }, cancellationToken);

    /// <summary>A Redis of the test's own, to stop, flush, kill and restart; the caller disposes it.</summary>
    public static Task<RedisServer> StartOwnRedisAsync(CancellationToken cancellationToken = default) =>
        RedisServer.StartAsync(new LocalServerOptions { Directory = NewDirectory("redis"), Ephemeral = true }, cancellationToken);

    internal static async Task DropAsync(string name) =>
        await ExecuteAsync(await Postgres.Value, $"DROP DATABASE IF EXISTS {name} WITH (FORCE)", CancellationToken.None);

    private static async Task<PostgresServer> StartPostgresAsync()
    {
        var options = new LocalServerOptions { Directory = NewDirectory("postgres"), Ephemeral = true, MaxConnections = 500 };
        var server = await PostgresServer.StartAsync(options, CancellationToken.None);
        await server.EnsureDatabaseAsync(TemplateName, CancellationToken.None);
        // A database with open connections cannot be copied, so the template is filled without a pool.
        await PrepareTemplate(server.ConnectionString(TemplateName) + ";Pooling=false", CancellationToken.None);
        return server;
    }

    private static Task<RedisServer> StartRedisAsync() => StartOwnRedisAsync();

    // Not a temporary directory of the system's making: those are closed to the account that root runs servers as.
    private static string NewDirectory(string name) => Path.Combine(Path.GetTempPath(), $"llmworkflow-{Guid.CreateVersion7():N}-{name}");

    private static async Task ExecuteAsync(PostgresServer server, string sql, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(server.ConnectionString("postgres"));
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}

/// <summary>A test's own database.</summary>
internal sealed class TestDatabase(string name, string connectionString) : IAsyncDisposable
{
    /// <summary>For Npgsql.</summary>
    public string ConnectionString { get; } = connectionString;

    public async ValueTask DisposeAsync()
    {
        await using (var connection = new NpgsqlConnection(ConnectionString))
        {
            NpgsqlConnection.ClearPool(connection);
        }

        await TestServers.DropAsync(name);
    }
}
