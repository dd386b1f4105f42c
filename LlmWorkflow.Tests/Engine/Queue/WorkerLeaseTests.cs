using LlmWorkflow.Engine.Queue;
using LlmWorkflow.Tests.AppHost;
using LlmWorkflow.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace LlmWorkflow.Tests.Engine.Queue;

public sealed class WorkerLeaseTests(EngineFixture engine) : IClassFixture<EngineFixture>
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task RenewAsync_OneStatementHangs_TriesAgainWhileTheLeaseIsTrusted()
    {
        VirtualTime time = new();
        using var lease = new WorkerLease(engine.Leases, time, NullLogger<WorkerLease>.Instance);
        await lease.RegisterAsync(new(Guid.CreateVersion7(), "host", "boot", Environment.ProcessId, "test", 1), CancellationToken.None);
        Task<bool> renewed;
        await using (var other = new NpgsqlConnection(engine.ConnectionString))
        {
            await other.OpenAsync();
            await using var transaction = await other.BeginTransactionAsync();
            await using (var locked = new NpgsqlCommand("select from llm_workers where id = $1 for update", other, transaction))
            {
                locked.Parameters.Add(new() { Value = lease.Worker.Id });
                await locked.ExecuteNonQueryAsync();
            }

            renewed = lease.RenewAsync(CancellationToken.None);
            await Eventually.TrueAsync(WaitsForLockAsync, s_patience, "a renewal that hangs");
            time.Advance(WorkerLease.RenewEvery);
            await Eventually.TrueAsync(async () => !await WaitsForLockAsync(), s_patience, "the end of that statement");
            await time.WaitForTimersAsync(1);
        }

        time.Advance(TimeSpan.FromSeconds(1));

        Assert.True(await renewed);
        time.Advance(WorkerLease.Duration - TimeSpan.FromSeconds(3));
        Assert.True(lease.IsTrusted);
    }

    private Task<bool> WaitsForLockAsync() => engine.ScalarAsync<bool>(
        "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like 'update llm_workers set renewed_at%')");
}
