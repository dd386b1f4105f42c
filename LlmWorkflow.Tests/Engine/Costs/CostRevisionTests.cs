using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Tests.Support;

namespace LlmWorkflow.Tests.Engine.Costs;

public sealed class CostRevisionTests(EngineFixture engine) : IClassFixture<EngineFixture>
{
    private static readonly DateTimeOffset s_change = new(2026, 11, 10, 0, 0, 0, TimeSpan.Zero);

    private readonly CostRevision _revision = new(engine.Database);

    // Each test has a model of its own in the shared database.
    private readonly string _model = $"m-{Guid.CreateVersion7():N}";

    private PriceBook Book => PriceBookReader.Parse($$$"""
        {"unit": "usd_per_million_tokens", "default_max_tokens": 1, "models": {"{{{_model}}}": {"prices": [
            {"to": "2026-11-10", "input": 1, "output": 2},
            {"from": "2026-11-10", "input": 3, "output": 4, "cache_read": 1, "per_web_search": 0.01, "multipliers": {"service_tier:batch": 0.5} }] } } }
        """);

    private RevisionQuery Query => new() { Model = _model, ChangedBy = "a test" };

    [Fact]
    public async Task RunAsync_UnknownCosts_ArePricedAtTheirTimeWithTermsAndSearches()
    {
        var before = Row() with { At = s_change.AddTicks(-10) };
        var after = Row() with { At = s_change, CacheRead = 400, Terms = ["service_tier:batch"] };
        var searched = Row() with { At = s_change, Metadata = """{"usage": {"input_tokens": 1000, "output_tokens": 100, "service_tier": "batch", "server_tool_use": {"web_search_requests": 2}}}""" };
        var estimated = Row() with { At = s_change, Estimated = true, State = "aborted" };
        await InsertAsync(before, after, searched, estimated);

        var result = await _revision.RunAsync(Query, Book, CancellationToken.None);

        Assert.Equal((4, 4, 0, 0.0012m + 0.0013m + 0.0217m + 0.0034m), (result.Calls, result.Changed, result.Unknown, result.AddedUsd));
        Assert.Equal("0.001200000000 0.001200000000 computed", await CostAsync(before));
        Assert.Equal("0.001300000000 0.001300000000 computed", await CostAsync(after));
        Assert.Equal("0.021700000000 0.021700000000 computed", await CostAsync(searched));
        Assert.Equal("0.003400000000 0.003400000000 estimated", await CostAsync(estimated));
    }

    [Fact]
    public async Task RunAsync_Twice_ChangesNothingMoreAndKeepsOneTrace()
    {
        var row = Row();
        await InsertAsync(row);

        await _revision.RunAsync(Query with { Reason = "found it" }, Book, CancellationToken.None);
        var second = await _revision.RunAsync(Query, Book, CancellationToken.None);
        var third = await _revision.RunAsync(Query with { All = true }, Book, CancellationToken.None);

        Assert.Equal((0, 0), (second.Calls, second.Changed));
        Assert.Equal((1, 0), (third.Calls, third.Changed));
        Assert.Equal("- 0.003400000000 unknown computed found it a test", await engine.ScalarAsync<string>(
            """
            select string_agg(concat_ws(' ', coalesce(old_cost_usd::text, '-'), new_cost_usd, old_cost_source, new_cost_source, reason, changed_by), '; ')
            from llm_cost_changes where call_id = $1
            """, row.CallId));
    }

    [Fact]
    public async Task RunAsync_Totals_OfJobAndDayFollow()
    {
        var claim = await engine.NewClaimAsync(await engine.NewWorkerAsync());
        var job = claim.Job.Identity.JobId;
        var scope = $"workflow:{_model}";
        await engine.ScalarAsync<int>("update llm_workflow_jobs set total_cost_usd = 1, reserved_usd = 7 where id = $1", job);
        await engine.ScalarAsync<int>("insert into llm_daily_spend (day, scope, settled_usd, reserved_usd) values ('2026-11-10', $1, 10, 20)", scope);
        await InsertAsync(
            Row() with { JobId = job, Reserved = 5, DailyScopes = [scope] },
            Row() with { JobId = job, Computed = 0.5m, Reserved = 1, DailyScopes = [scope] });

        await _revision.RunAsync(Query with { All = true }, Book, CancellationToken.None);

        // What is held is what the call without a cost held; 0.5 became 0.0034.
        Assert.Equal("0.506800000000 2.000000000000", await engine.ScalarAsync<string>("select total_cost_usd || ' ' || reserved_usd from llm_workflow_jobs where id = $1", job));
        Assert.Equal("9.506800000000 15.000000000000", await engine.ScalarAsync<string>("select settled_usd || ' ' || reserved_usd from llm_daily_spend where scope = $1", scope));
    }

    [Fact]
    public async Task RunAsync_OtherCalls_AreLeftAlone()
    {
        var reported = Row() with { Reported = 9, Computed = 8 };
        var computed = Row() with { Computed = 7 };
        var open = Row() with { State = "reserved", Reserved = 6 };
        var refused = Row() with { State = "aborted", Input = 0, Output = 0, Computed = 0 };
        await InsertAsync(reported, computed, open, refused);

        Assert.Equal(0, (await _revision.RunAsync(Query, Book, CancellationToken.None)).Calls);
        var all = await _revision.RunAsync(Query with { All = true }, Book, CancellationToken.None);

        Assert.Equal((1, 1, 0.0034m - 7), (all.Calls, all.Changed, all.AddedUsd));
        Assert.Equal("8.000000000000 9.000000000000 reported", await CostAsync(reported));
        Assert.Equal("0.003400000000 0.003400000000 computed", await CostAsync(computed));
        Assert.Null(await CostAsync(open));
        Assert.Equal("0.000000000000 0.000000000000 computed", await CostAsync(refused));
    }

    [Fact]
    public async Task RunAsync_StillUnknown_StaysNullAndIsCounted()
    {
        await InsertAsync(Row(), Row() with { Answered = "acme/other" });

        var result = await _revision.RunAsync(Query, PriceBook.Empty, CancellationToken.None);

        Assert.Equal((2, 0, 2), (result.Calls, result.Changed, result.Unknown));
        Assert.Equal([new(_model, 1), new("acme/other", 1)], result.UnknownModels.OrderByDescending(model => model.Key));
    }

    [Fact]
    public async Task RunAsync_DryRun_SaysAndChangesNothing()
    {
        var row = Row();
        await InsertAsync(row);

        var result = await _revision.RunAsync(Query with { DryRun = true }, Book, CancellationToken.None);

        Assert.Equal((1, 0.0034m), (result.Changed, result.AddedUsd));
        Assert.Null(await CostAsync(row));
        Assert.Equal(0, await engine.ScalarAsync<long>("select count(*) from llm_cost_changes where call_id = $1", row.CallId));
    }

    [Fact]
    public async Task RunAsync_MoreThanABatch_ReachesAllOnce()
    {
        await engine.ScalarAsync<int>(
            """
            insert into llm_provider_usage (id, job_id, workflow_name, step_path, ordinal, state, purpose, provider, requested_model, request_hash, input_tokens, owner, fence, settled_at, created_at)
            select gen_random_uuid(), '00000000-0000-0000-0000-000000000001', 'w', $1, n, 'settled', 'useful', 'p', $1, 'h', n, '00000000-0000-0000-0000-000000000001', 1, now(), '2026-11-11'
            from generate_series(1, 1201) n
            """, _model);

        var results = await Task.WhenAll(_revision.RunAsync(Query, Book, CancellationToken.None), _revision.RunAsync(Query, Book, CancellationToken.None));

        Assert.Equal(1201, results.Sum(result => result.Changed));
        Assert.Equal(1201, await engine.ScalarAsync<long>("select count(*) from llm_cost_changes c join llm_provider_usage u on u.id = c.call_id where u.requested_model = $1", _model));
        Assert.Equal(1201m * 1202 / 2 * 3 / 1_000_000, await engine.ScalarAsync<decimal>("select sum(cost_usd) from llm_provider_usage where requested_model = $1", _model));
    }

    [Theory]
    [InlineData("2026-11-10", null, 2)]
    [InlineData(null, "2026-11-10", 1)]
    [InlineData("2026-11-10", "2026-11-11", 1)]
    public async Task RunAsync_Range_IsFromInclusiveToExclusive(string? from, string? to, int expected)
    {
        await InsertAsync(Row() with { At = s_change.AddDays(-1) }, Row() with { At = s_change }, Row() with { At = s_change.AddDays(1) });

        var result = await _revision.RunAsync(Query with { From = Time(from), To = Time(to) }, Book, CancellationToken.None);

        Assert.Equal(expected, result.Changed);

        static DateTimeOffset? Time(string? text) => text is not null && IsoTime.TryParse(text, out var time) ? time : null;
    }

    private LedgerRow Row() => new() { Model = _model };

    private async Task InsertAsync(params LedgerRow[] rows)
    {
        foreach (var row in rows)
        {
            await row.InsertAsync(engine);
        }
    }

    private Task<string?> CostAsync(LedgerRow row) =>
        engine.ScalarAsync<string>("select computed_usd || ' ' || cost_usd || ' ' || cost_source from llm_provider_usage where id = $1", row.CallId);
}
