using System.Text.Json;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Storage;
using LlmWorkflow.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace LlmWorkflow.Tests.Engine.Costs;

public sealed class CostLedgerTests(EngineFixture engine) : IClassFixture<EngineFixture>
{
    private readonly CostLedger _ledger = new(engine.Database);

    [Fact]
    public async Task ReserveAsync_LeaseTakenOver_RefusesTheCall()
    {
        var worker = await engine.NewWorkerAsync();
        var job = (await engine.NewClaimAsync(worker)).Job;
        await engine.Leases.RequeueAsync(worker.Id, countTakeover: true, "test", CancellationToken.None);

        Assert.Equal(ReserveOutcome.Lost, (await _ledger.ReserveAsync(Reservation(job), CancellationToken.None)).Outcome);
        Assert.Empty(await _ledger.ReadAsync(job.Identity.JobId, CancellationToken.None));
    }

    [Fact]
    public async Task ReserveAsync_Repeated_IsOneRow()
    {
        var job = await ClaimAsync();
        var reservation = Reservation(job);

        Assert.Equal(ReserveOutcome.Reserved, (await _ledger.ReserveAsync(reservation, CancellationToken.None)).Outcome);
        Assert.Equal(ReserveOutcome.Reserved, (await _ledger.ReserveAsync(reservation, CancellationToken.None)).Outcome);
        Assert.Equal(ReserveOutcome.Lost, (await _ledger.ReserveAsync(reservation with { CallId = Guid.CreateVersion7() }, CancellationToken.None)).Outcome);

        Assert.Single(await _ledger.ReadAsync(job.Identity.JobId, CancellationToken.None));
    }

    [Fact]
    public async Task NoteAsync_DatabaseGivesTheStatementUp_IsNoFault()
    {
        var reservation = Reservation(await ClaimAsync());
        await _ledger.ReserveAsync(reservation, CancellationToken.None);
        await using var impatient = NpgsqlDataSource.Create($"{engine.ConnectionString};Options=-c statement_timeout=200");
        CostLedger ledger = new(new(impatient, TimeProvider.System, NullLogger<Database>.Instance));
        await using var other = await engine.Source.OpenConnectionAsync();
        await using var transaction = await other.BeginTransactionAsync();
        await using var locked = new NpgsqlCommand("select from llm_provider_usage where id = $1 for update", other, transaction);
        locked.Parameters.Add(new() { Value = reservation.CallId });
        await locked.ExecuteNonQueryAsync();

        await ledger.NoteAsync(reservation.CallId, "gen-1");
    }

    [Fact]
    public async Task SettleAsync_Twice_CountsOnceInTheJobsTotals()
    {
        var job = await ClaimAsync();
        var reservation = Reservation(job);
        await _ledger.ReserveAsync(reservation, CancellationToken.None);
        var settlement = Settlement(reservation) with { ReportedUsd = 0.0123456789m, Reply = JsonElement.Parse("""{"content":"x\u0000y"}""") };

        await _ledger.SettleAsync(settlement);
        await _ledger.SettleAsync(settlement with { ReportedUsd = 5 });

        Assert.Equal("30 0.012345678900", await TotalsAsync(job));
        var call = Assert.Single(await _ledger.ReadAsync(job.Identity.JobId, CancellationToken.None));
        Assert.Equal((CallState.Settled, "reported", 0.0123456789m), (call.State, call.CostSource, call.CostUsd!.Value));
        Assert.Equal("x\ufffdy", call.Reply.GetProperty("content").GetString());
    }

    [Fact]
    public async Task SettleAsync_AfterTheJobWasTakenOver_StillRecordsTheMoney()
    {
        var worker = await engine.NewWorkerAsync();
        var job = (await engine.NewClaimAsync(worker)).Job;
        var reservation = Reservation(job);
        await _ledger.ReserveAsync(reservation, CancellationToken.None);
        await engine.Leases.RequeueAsync(worker.Id, countTakeover: true, "test", CancellationToken.None);
        var second = await engine.NewWorkerAsync();
        var taken = Assert.Single(await engine.Leases.ClaimAsync(second.Id, [job.Identity.JobId], CancellationToken.None)).Job;

        await _ledger.MarkPossiblyBilledAsync(taken.Fence, CancellationToken.None);
        Assert.Equal(CallState.PossiblyBilled, Assert.Single(await _ledger.ReadAsync(job.Identity.JobId, CancellationToken.None)).State);

        await _ledger.SettleAsync(Settlement(reservation) with { ComputedUsd = 0.5m });
        Assert.Equal(CallState.Settled, Assert.Single(await _ledger.ReadAsync(job.Identity.JobId, CancellationToken.None)).State);
        Assert.Equal("30 0.500000000000", await TotalsAsync(job));
    }

    [Fact]
    public async Task MarkPossiblyBilledAsync_OwnCalls_AreLeftAlone()
    {
        var job = await ClaimAsync();
        await _ledger.ReserveAsync(Reservation(job), CancellationToken.None);

        await _ledger.MarkPossiblyBilledAsync(job.Fence, CancellationToken.None);

        Assert.Equal(CallState.Reserved, Assert.Single(await _ledger.ReadAsync(job.Identity.JobId, CancellationToken.None)).State);
    }

    [Fact]
    public async Task SettleAsync_UnknownPrice_IsNullAndNamed()
    {
        var job = await ClaimAsync();
        var reservation = Reservation(job);
        await _ledger.ReserveAsync(reservation, CancellationToken.None);

        await _ledger.SettleAsync(Settlement(reservation));

        var call = Assert.Single(await _ledger.ReadAsync(job.Identity.JobId, CancellationToken.None));
        Assert.Null(call.CostUsd);
        Assert.Equal("unknown", call.CostSource);
    }

    private static CallReservation Reservation(LeasedJob job) => new()
    {
        CallId = Guid.CreateVersion7(), Key = new(job.Identity.JobId, "step", 0), Fence = job.Fence, Job = job.Identity,
        Purpose = CallPurpose.Useful, Provider = "openrouter", RequestedModel = "m", RequestHash = "h", ReservedUsd = 1,
    };

    private static CallSettlement Settlement(CallReservation reservation) => new()
    {
        CallId = reservation.CallId, State = CallState.Settled, AnsweredModel = "m-1", ResponseId = "gen-1",
        Usage = new() { InputTokens = 10, OutputTokens = 20 }, Duration = TimeSpan.FromSeconds(1),
    };

    private async Task<LeasedJob> ClaimAsync() => (await engine.NewClaimAsync(await engine.NewWorkerAsync())).Job;

    private Task<string?> TotalsAsync(LeasedJob job) =>
        engine.ScalarAsync<string>("select total_tokens || ' ' || total_cost_usd from llm_workflow_jobs where id = $1", job.Identity.JobId);
}
