using System.Text.Json;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Storage;
using LlmWorkflow.Tests.Support;

namespace LlmWorkflow.Tests.Engine.Costs;

/// <summary>The rules of <c>llm_reserve_call</c> and <c>llm_settle_call</c>.</summary>
public sealed class BudgetTests(EngineFixture engine) : IClassFixture<EngineFixture>
{
    private readonly CostLedger _ledger = new(engine.Database);

    [Fact]
    public async Task ReserveAsync_ManyAtOnceAgainstTheJobsCap_HoldsExactlyWhatFits()
    {
        var job = await ClaimAsync(cap: 7.5m);
        using var stop = new CancellationTokenSource();
        var watching = WatchAsync(job, 7.5m, stop.Token);

        var results = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => Task.Run(() => ReserveAsync(Call(job, $"fan/{i}/ask", 1m)))));

        Assert.Equal(7, results.Count(r => r.Outcome is ReserveOutcome.Reserved));
        Assert.Equal(13, results.Count(r => r.Outcome is ReserveOutcome.Blocked));
        await stop.CancelAsync();
        Assert.True(await watching > 0);
    }

    [Fact]
    public async Task ReserveAsync_Settled_FreesWhatWasNotSpent()
    {
        var job = await ClaimAsync(cap: 1m);
        var first = Call(job, "a", 0.9m);
        await ReserveAsync(first);
        var blocked = await ReserveAsync(Call(job, "b", 0.9m));
        await _ledger.SettleAsync(Settled(first, 0.05m));
        var second = await ReserveAsync(Call(job, "b", 0.9m));
        var third = await ReserveAsync(Call(job, "c", 0.99m));

        Assert.Equal(new BudgetState("job", 1m, 0m, 0.9m), blocked.Budget);
        Assert.Equal(ReserveOutcome.Blocked, blocked.Outcome);
        Assert.Equal(ReserveOutcome.Reserved, second.Outcome);
        Assert.Equal(ReserveOutcome.OverBudget, third.Outcome);
    }

    [Fact]
    public async Task ReserveAsync_FateOfACallUnknown_ItsWorstCaseStaysHeld()
    {
        var worker = await engine.NewWorkerAsync();
        var job = await ClaimAsync(cap: 1m, worker);
        var lost = Call(job, "a", 0.6m);
        await ReserveAsync(lost);
        await engine.Leases.RequeueAsync(worker.Id, countTakeover: true, "test", CancellationToken.None);
        var taken = Assert.Single(await engine.Leases.ClaimAsync((await engine.NewWorkerAsync()).Id, [job.Identity.JobId], CancellationToken.None)).Job;
        await _ledger.MarkPossiblyBilledAsync(taken.Fence, CancellationToken.None);

        var over = await ReserveAsync(Call(taken, "b", 0.6m));
        // What it cost is found out later: the rest is free again.
        await _ledger.SettleAsync(Settled(lost, 0.01m) with { State = CallState.Aborted, Reconciles = true });
        var fits = await ReserveAsync(Call(taken, "b", 0.6m));

        Assert.Equal((ReserveOutcome.OverBudget, 0.6m), (over.Outcome, over.Budget!.HeldUsd));
        Assert.Equal(ReserveOutcome.Reserved, fits.Outcome);
    }

    [Fact]
    public async Task ReserveAsync_StepCap_CountsTheStepsInsideAndNoOthers()
    {
        var job = await ClaimAsync(cap: null);
        StepBudget[] inFan = [new("fan", 1m)];
        var inside = Call(job, "fan/left/ask", 0.7m, inFan);
        await ReserveAsync(inside);
        await _ledger.SettleAsync(Settled(inside, 0.7m));

        var over = await ReserveAsync(Call(job, "fan/right/ask", 0.7m, inFan));
        var beside = await ReserveAsync(Call(job, "fan_out", 0.7m));
        var unpriced = await ReserveAsync(Call(job, "fan/right/ask", null, inFan));

        Assert.Equal((ReserveOutcome.OverBudget, "step:fan", 1m), (over.Outcome, over.Budget!.Scope, over.Budget.CapUsd));
        Assert.Equal(ReserveOutcome.Reserved, beside.Outcome);
        Assert.Equal(ReserveOutcome.Unpriced, unpriced.Outcome);
    }

    [Fact]
    public async Task ReserveAsync_DailyCap_HoldsForAllJobsOfTheUserTogether()
    {
        var user = Guid.CreateVersion7();
        var (first, second) = (await ClaimAsync(cap: null, user: user), await ClaimAsync(cap: null, user: user));
        DailyBudget[] days = [new($"user:{user:D}", 1m), new($"workflow:{user:N}", null)];
        var early = Call(first, "a", 0.3m);
        await ReserveAsync(early);
        await _ledger.SettleAsync(Settled(early, 0.25m));

        // The cap comes in mid-day: what was spent before counts.
        var one = Call(first, "b", 0.5m, days: days);
        Assert.Equal(ReserveOutcome.Reserved, (await ReserveAsync(one)).Outcome);
        var blocked = await ReserveAsync(Call(second, "a", 0.5m, days: days));
        var warnings = await _ledger.SettleAsync(Settled(one, 0.55m) with { Budgets = new([], days) });
        var over = await ReserveAsync(Call(second, "a", 0.5m, days: days));
        var fits = await ReserveAsync(Call(second, "a", 0.2m, days: days));

        Assert.Equal((ReserveOutcome.Blocked, 0.25m, 0.5m), (blocked.Outcome, blocked.Budget!.SpentUsd, blocked.Budget.HeldUsd));
        Assert.Equal((ReserveOutcome.OverBudget, 0.8m), (over.Outcome, over.Budget!.SpentUsd));
        Assert.Equal(ReserveOutcome.Reserved, fits.Outcome);
        Assert.Equal([new BudgetState($"user:{user:D}", 1m, 0.8m, 0)], warnings);
    }

    [Fact]
    public async Task ReserveAsync_CapComesInMidDay_TakesOverOpenCallsToo()
    {
        var user = Guid.CreateVersion7();
        var job = await ClaimAsync(cap: null, user: user);
        DailyBudget[] days = [new($"user:{user:D}", 1m)];
        var open = Call(job, "a", 0.6m);
        await ReserveAsync(open);

        var blocked = await ReserveAsync(Call(job, "b", 0.5m, days: days));
        await _ledger.SettleAsync(Settled(open, 0.1m));
        var fits = await ReserveAsync(Call(job, "b", 0.5m, days: days));

        Assert.Equal((ReserveOutcome.Blocked, 0m, 0.6m), (blocked.Outcome, blocked.Budget!.SpentUsd, blocked.Budget.HeldUsd));
        Assert.Equal(ReserveOutcome.Reserved, fits.Outcome);
        Assert.Equal("0.100000000000 0.500000000000", await engine.ScalarAsync<string>("select settled_usd || ' ' || reserved_usd from llm_daily_spend where scope = $1", $"user:{user:D}"));
    }

    [Fact]
    public async Task SettleAsync_FateUnknown_StaysHeldUntilItIsKnown()
    {
        var job = await ClaimAsync(cap: 1m);
        var call = Call(job, "a", 0.6m);
        await ReserveAsync(call);

        var unknown = Settled(call, null) with { State = CallState.PossiblyBilled, ErrorType = "UpstreamTimeout", Usage = new() };
        await _ledger.SettleAsync(unknown);
        await _ledger.SettleAsync(unknown);
        var over = await ReserveAsync(Call(job, "b", 0.6m));
        await _ledger.SettleAsync(Settled(call, 0.2m) with { State = CallState.Aborted, Reconciles = true });
        var fits = await ReserveAsync(Call(job, "b", 0.6m));

        Assert.Equal((ReserveOutcome.OverBudget, 0.6m), (over.Outcome, over.Budget!.HeldUsd));
        Assert.Equal(ReserveOutcome.Reserved, fits.Outcome);
        Assert.Equal(CallState.Aborted, (await _ledger.ReadAsync(job.Identity.JobId, CancellationToken.None))[0].State);
    }

    [Fact]
    public async Task SettleAsync_CallPassesFourFifthsOfTheCap_IsToldOnce()
    {
        var job = await ClaimAsync(cap: 1m);
        var calls = Enumerable.Range(0, 3).Select(i => Call(job, $"s{i}", 0.1m)).ToList();
        var told = new List<int>();
        foreach (var (call, usd) in calls.Zip([0.79m, 0.02m, 0.05m]))
        {
            Assert.Equal(ReserveOutcome.Reserved, (await ReserveAsync(call)).Outcome);
            told.Add((await _ledger.SettleAsync(Settled(call, usd))).Count);
        }

        Assert.Equal([0, 1, 0], told);
    }

    [Fact]
    public async Task SettleAsync_PriceUnknown_KeepsTheWorstCaseHeld()
    {
        var job = await ClaimAsync(cap: 1m);
        var call = Call(job, "a", 0.6m);
        await ReserveAsync(call);

        await _ledger.SettleAsync(Settled(call, null));

        Assert.Equal(ReserveOutcome.OverBudget, (await ReserveAsync(Call(job, "b", 0.6m))).Outcome);
    }

    [Fact]
    public async Task ReserveAsync_SameQuestionAtOnce_HasOneLeaderAndThenItsReply()
    {
        var question = new ReplyQuestion(Convert.ToHexStringLower(Guid.NewGuid().ToByteArray()) + new string('0', 32), TimeSpan.FromMinutes(1));
        var jobs = new List<LeasedJob>();
        for (var i = 0; i < 8; i++)
        {
            jobs.Add(await ClaimAsync(cap: null));
        }

        var calls = jobs.ConvertAll(job => Call(job, "ask", 1m) with { Question = question });
        var results = await Task.WhenAll(calls.Select(call => Task.Run(() => ReserveAsync(call))));
        var leader = Assert.Single(calls.Zip(results), pair => pair.Second.Outcome is ReserveOutcome.Reserved).First;
        Assert.Equal(7, results.Count(r => r.Outcome is ReserveOutcome.BeingAnswered));
        Assert.True((await _ledger.FindReplyAsync(question, CancellationToken.None)).IsBeingAnswered);

        await _ledger.SettleAsync(Settled(leader, 0.1m) with { Reply = JsonElement.Parse("""{"content":"yes"}"""), KeepFor = TimeSpan.FromMinutes(1) });

        var follower = calls.First(call => call != leader);
        var known = await ReserveAsync(follower);
        Assert.Equal((ReserveOutcome.Cached, "yes"), (known.Outcome, known.Reply.GetProperty("content").GetString()));
        Assert.Equal("yes", (await _ledger.FindReplyAsync(question, CancellationToken.None)).Reply.GetProperty("content").GetString());
        Assert.Equal(ReserveOutcome.Reserved, (await ReserveAsync(follower with { Question = question with { MaxAge = TimeSpan.Zero } })).Outcome);
    }

    [Fact]
    public async Task SettleAsync_LeaderFailed_TheNextOneAsks()
    {
        var question = new ReplyQuestion(Convert.ToHexStringLower(Guid.NewGuid().ToByteArray()) + new string('1', 32), TimeSpan.FromMinutes(1));
        var leader = Call(await ClaimAsync(cap: null), "ask", 1m) with { Question = question };
        await ReserveAsync(leader);
        await _ledger.SettleAsync(Settled(leader, 0) with { State = CallState.Aborted, ErrorType = "NetworkError" });

        Assert.Equal(ReserveOutcome.Reserved, (await ReserveAsync(Call(await ClaimAsync(cap: null), "ask", 1m) with { Question = question })).Outcome);
    }

    [Fact]
    public async Task IncreaseAsync_JobWaitsForTheBudget_QueuesItOnce()
    {
        var store = new BudgetStore(engine.Database);
        var claim = await engine.NewClaimAsync(await engine.NewWorkerAsync(), NewJob(1, null));
        var job = claim.Job;
        var over = await ReserveAsync(Call(job, "a", 2m));
        var wait = new StepWait { StepPath = "a", StepId = "a", DisplayName = "A", Reason = WaitReason.Budget, BudgetRaises = over.BudgetRaises };
        Assert.Equal(JobStatus.Waiting, await engine.Jobs.ApplyAsync(JobTransition.Waiting(job, claim.EventSequence, new("job.waiting", "{}"), [wait]), CancellationToken.None));

        Assert.False((await store.IncreaseAsync(job.Identity.JobId, null, null, 0.5m, CancellationToken.None))!.IsRaised);
        Assert.Null(await store.IncreaseAsync(job.Identity.JobId, Guid.NewGuid(), null, 3m, CancellationToken.None));
        Assert.False((await store.IncreaseAsync(job.Identity.JobId, null, "other", 3m, CancellationToken.None))!.IsRaised);
        var raised = (await store.IncreaseAsync(job.Identity.JobId, null, null, 3m, CancellationToken.None))!;

        Assert.Equal((true, true, JobStatus.Queued, 3m), (raised.IsRaised, raised.Wakes, raised.Status, raised.MaxCostUsd));
    }

    [Fact]
    public async Task ApplyAsync_CapRaisedSinceItWasMet_QueuesInsteadOfParking()
    {
        var claim = await engine.NewClaimAsync(await engine.NewWorkerAsync(), NewJob(1, null));
        var over = await ReserveAsync(Call(claim.Job, "a", 2m));
        await new BudgetStore(engine.Database).IncreaseAsync(claim.Job.Identity.JobId, null, null, 3m, CancellationToken.None);
        var wait = new StepWait { StepPath = "a", StepId = "a", DisplayName = "A", Reason = WaitReason.Budget, BudgetRaises = over.BudgetRaises };

        Assert.Equal(JobStatus.Queued, await engine.Jobs.ApplyAsync(JobTransition.Waiting(claim.Job, claim.EventSequence, new("job.waiting", "{}"), [wait]), CancellationToken.None));
    }

    private static CallReservation Call(LeasedJob job, string path, decimal? worst, StepBudget[]? steps = null, DailyBudget[]? days = null) => new()
    {
        CallId = Guid.CreateVersion7(), Key = new(job.Identity.JobId, path, 0), Fence = job.Fence, Job = job.Identity,
        Purpose = CallPurpose.Useful, Provider = "openrouter", RequestedModel = "m", RequestHash = "h", ReservedUsd = worst, Budgets = new(steps ?? [], days ?? []),
    };

    private static CallSettlement Settled(CallReservation call, decimal? usd) => new()
    {
        CallId = call.CallId, State = CallState.Settled, ComputedUsd = usd, Usage = new() { InputTokens = 1, OutputTokens = 1 }, Budgets = call.Budgets,
    };

    private Task<ReserveResult> ReserveAsync(CallReservation call) => _ledger.ReserveAsync(call, CancellationToken.None);

    // How often it looked; throws at the first look that finds more held and spent than the cap.
    private async Task<int> WatchAsync(LeasedJob job, decimal cap, CancellationToken cancellationToken)
    {
        var looks = 0;
        while (!cancellationToken.IsCancellationRequested || looks == 0)
        {
            var stands = await engine.ScalarAsync<decimal>("select total_cost_usd + reserved_usd from llm_workflow_jobs where id = $1", job.Identity.JobId);
            Assert.True(stands <= cap, $"{stands} of {cap}");
            looks++;
        }

        return looks;
    }

    private async Task<LeasedJob> ClaimAsync(decimal? cap, WorkerIdentity? worker = null, Guid? user = null) =>
        (await engine.NewClaimAsync(worker ?? await engine.NewWorkerAsync(), NewJob(cap, user))).Job;

    private static NewJob NewJob(decimal? cap, Guid? user)
    {
        var job = EngineFixture.NewJob();
        return job with { Identity = job.Identity with { MaxCostUsd = cap, UserId = user, WorkflowName = user is { } id ? $"{id:N}" : job.Identity.WorkflowName } };
    }
}
