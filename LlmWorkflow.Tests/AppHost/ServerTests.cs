using System.Globalization;
using LlmWorkflow.AppHost.Servers;
using LlmWorkflow.Tests.Support;
using Npgsql;
using StackExchange.Redis;

namespace LlmWorkflow.Tests.AppHost;

public sealed class ServerTests : IDisposable
{
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(60);
    private readonly List<string> directories = [];

    public void Dispose()
    {
        foreach (var directory in directories)
        {
            File.Delete(directory + ".password");
            if (Directory.Exists(directory))
            {
                Directory.Delete(directory, recursive: true);
            }
        }
    }

    [Fact]
    public async Task Postgres_Restarted_KeepsPortAndData()
    {
        await using var server = await PostgresServer.StartAsync(new LocalServerOptions { Directory = NewDirectory() }, CancellationToken.None);
        await ExecuteAsync(server, "CREATE TABLE kept AS SELECT 7 AS id");
        var (port, id) = (server.Port, server.ProcessId);

        await server.RestartAsync(CancellationToken.None);

        Assert.Equal(port, server.Port);
        Assert.NotEqual(id, server.ProcessId);
        Assert.Equal(7, await ExecuteAsync(server, "SELECT id FROM kept"));
        Assert.Equal("on", await ExecuteAsync(server, "SHOW fsync"));
    }

    [Fact]
    public async Task Postgres_Killed_StartsAgainAfterRecovery()
    {
        await using var server = await PostgresServer.StartAsync(new LocalServerOptions { Directory = NewDirectory() }, CancellationToken.None);
        await ExecuteAsync(server, "CREATE TABLE kept AS SELECT 7 AS id");

        await server.KillAsync();
        await server.StartAsync(CancellationToken.None);

        Assert.Equal(7, await ExecuteAsync(server, "SELECT id FROM kept"));
    }

    [Fact]
    public async Task Postgres_WrongPassword_IsRefused()
    {
        await using var server = await TestServers.StartOwnPostgresAsync();
        await using var connection = new NpgsqlConnection(server.ConnectionString("postgres").Replace(server.Password, "wrong") + ";Pooling=false");

        var refusal = await Assert.ThrowsAsync<PostgresException>(() => connection.OpenAsync());

        Assert.Equal(PostgresErrorCodes.InvalidPassword, refusal.SqlState);
    }

    [Fact]
    public async Task Redis_KilledAndStartedAgain_KeepsPortAndData()
    {
        await using var server = await RedisServer.StartAsync(new LocalServerOptions { Directory = NewDirectory() }, CancellationToken.None);
        var port = server.Port;
        using (var first = await ConnectionMultiplexer.ConnectAsync(server.ConnectionString))
        {
            await first.GetDatabase().StringSetAsync("kept", "7");
        }

        // The append-only file is flushed each second, and at an orderly stop.
        await server.RestartAsync(CancellationToken.None);
        await server.KillAsync();
        await server.StartAsync(CancellationToken.None);

        Assert.Equal(port, server.Port);
        using var second = await ConnectionMultiplexer.ConnectAsync(server.ConnectionString);
        Assert.Equal("7", await second.GetDatabase().StringGetAsync("kept"));
    }

    [Fact]
    public async Task Postgres_UnderADirectoryClosedToItsAccount_StartsAllTheSame()
    {
        // As root the server runs as another user, who cannot enter this one (nor a clone under /root).
        var closed = Directory.CreateTempSubdirectory("llmworkflow-test-").FullName;
        directories.Add(closed);
        var directory = Path.Combine(closed, "postgres");

        await using (var server = await PostgresServer.StartAsync(new LocalServerOptions { Directory = directory }, CancellationToken.None))
        {
            Assert.Equal(1, await ExecuteAsync(server, "SELECT 1"));
        }

        if (new DirectoryInfo(directory).LinkTarget is { } target)
        {
            directories.Add(target);
        }

        Assert.True(File.Exists(Path.Combine(directory, "data", "PG_VERSION")));
    }

    [Fact]
    public async Task Ephemeral_Disposed_LeavesNoFilesAndNoProcess()
    {
        var directory = NewDirectory();
        var server = await RedisServer.StartAsync(new LocalServerOptions { Directory = directory, Ephemeral = true }, CancellationToken.None);
        var id = server.ProcessId;

        await server.DisposeAsync();

        Assert.False(await Eventually.IsRunningAsync(id));
        Assert.False(Directory.Exists(directory));
    }

    [Theory]
    [InlineData("postgres")]
    [InlineData("redis")]
    public async Task Server_ParentKilled_EndsAndRemovesItsFiles(string kind)
    {
        var directory = NewDirectory();
        await using var parent = AppHostProcess.Start(["server", kind, "--directory", directory, "--ephemeral"]);
        var ready = await parent.WaitForLineAsync("ready: ");
        var id = int.Parse(ready.Split(' ')[2], CultureInfo.InvariantCulture);
        Assert.True(await Eventually.IsRunningAsync(id));

        await parent.SignalAsync("KILL");
        await parent.WaitForExitAsync();

        await Eventually.GoneAsync(EndLimit, id);
        await Eventually.TrueAsync(() => Task.FromResult(!Directory.Exists(directory)), EndLimit, "the removal of " + directory);
    }

    [Fact]
    public async Task Ephemeral_Restarted_KeepsItsFiles()
    {
        await using var server = await TestServers.StartOwnPostgresAsync();
        await ExecuteAsync(server, "CREATE TABLE kept AS SELECT 7 AS id");

        await server.RestartAsync(CancellationToken.None);

        Assert.Equal(7, await ExecuteAsync(server, "SELECT id FROM kept"));
    }

    [Fact]
    public async Task Server_PortTaken_SaysSo()
    {
        await using var first = await TestServers.StartOwnRedisAsync();

        var exception = await Assert.ThrowsAsync<ServerUnavailableException>(() => RedisServer.StartAsync(
            new LocalServerOptions { Directory = NewDirectory(), Port = first.Port, Ephemeral = true }, CancellationToken.None));

        Assert.Contains("Address already in use", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CreateDatabase_Twice_GivesSeparateCopies()
    {
        await using var first = await TestServers.CreateDatabaseAsync();
        await using var second = await TestServers.CreateDatabaseAsync();

        await using var source = NpgsqlDataSource.Create(first.ConnectionString);
        await using var create = source.CreateCommand("CREATE TABLE only_here (id int)");
        await create.ExecuteNonQueryAsync();

        await using var other = NpgsqlDataSource.Create(second.ConnectionString);
        await using var look = other.CreateCommand("SELECT to_regclass('only_here')::text");
        Assert.Equal(DBNull.Value, await look.ExecuteScalarAsync());
    }

    private string NewDirectory()
    {
        directories.Add(Path.Combine(Path.GetTempPath(), $"llmworkflow-test-{Guid.CreateVersion7():N}"));
        return directories[^1];
    }

    private static async Task<object?> ExecuteAsync(PostgresServer server, string sql)
    {
        await using var connection = new NpgsqlConnection(server.ConnectionString("postgres") + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}
