using LlmWorkflow.Engine.Storage;
using LlmWorkflow.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace LlmWorkflow.Tests.Engine.Storage;

public sealed class MigratorTests
{
    [Fact]
    public async Task UpAsync_MigrationTakesLongerThanCommandsMay_IsWaitedFor()
    {
        await using var database = await TestServers.CreateDatabaseAsync();
        await using var source = NpgsqlDataSource.Create($"{database.ConnectionString};Command Timeout=1");
        var migrator = new Migrator(source, NullLogger<Migrator>.Instance);
        await migrator.DownAsync(4, CancellationToken.None);
        Task<int> up;
        await using (var other = new NpgsqlConnection(database.ConnectionString))
        {
            await other.OpenAsync();
            await using var transaction = await other.BeginTransactionAsync();
            await using var held = new NpgsqlCommand("lock table external_api_cache", other, transaction);
            await held.ExecuteNonQueryAsync();

            up = migrator.UpAsync(CancellationToken.None);
            await Assert.ThrowsAsync<TimeoutException>(() => up.WaitAsync(TimeSpan.FromSeconds(2.5)));
        }

        Assert.Equal(Migrator.All.Count - 4, await up);
    }
}
