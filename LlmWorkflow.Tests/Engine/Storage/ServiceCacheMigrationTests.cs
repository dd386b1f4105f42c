using LlmWorkflow.Engine.Storage;
using LlmWorkflow.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace LlmWorkflow.Tests.Engine.Storage;

/// <summary>Migration 0005 with rows in the table, in both directions.</summary>
public sealed class ServiceCacheMigrationTests
{
    [Fact]
    public async Task UpAndDown_WithRows_KeepsTheReplies()
    {
        await using var database = await TestServers.CreateDatabaseAsync();
        await using var source = NpgsqlDataSource.Create(database.ConnectionString);
        var migrator = new Migrator(source, NullLogger<Migrator>.Instance);
        await migrator.DownAsync(4, CancellationToken.None);
        await RunAsync("insert into external_api_cache (key, service, operation, status_code, body, expires_at) values ('a:b:c', 'a', 'b', 200, '\"ä\"', now() + interval '1 hour')");

        await migrator.UpAsync(CancellationToken.None);
        Assert.Equal(4, await RunAsync("select bytes from external_api_cache where kept_until = expires_at and filled_at <= now() and filling_by is null"));
        await RunAsync("insert into external_api_cache (key, service, operation, filling_by, filling_until) values ('a:b:d', 'a', 'b', gen_random_uuid(), now())");
        await Assert.ThrowsAsync<PostgresException>(() => RunAsync("insert into external_api_cache (key, service, operation) values ('a:b:e', 'a', 'b')"));
        await Assert.ThrowsAsync<PostgresException>(() => RunAsync("update external_api_cache set expires_at = null"));

        await migrator.DownAsync(4, CancellationToken.None);
        Assert.Equal("a:b:c", await RunAsync("select key from external_api_cache where created_at is not null"));

        async Task<object?> RunAsync(string sql)
        {
            await using var command = source.CreateCommand(sql);
            return await command.ExecuteScalarAsync();
        }
    }
}
