using System.Text.Json;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Tests.Support;

namespace LlmWorkflow.Tests.Engine.Costs;

public sealed class UsageReportsTests(EngineFixture engine) : IClassFixture<EngineFixture>
{
    private static readonly DateTimeOffset s_day = new(2026, 11, 10, 0, 0, 0, TimeSpan.Zero);

    private readonly UsageReports _reports = new(engine.Database);

    // Each test has a workflow of its own in the shared database.
    private readonly string _workflow = $"w_{Guid.CreateVersion7():N}";

    private UsageQuery Query => new() { From = s_day, To = s_day.AddDays(2), WorkflowName = _workflow };

    [Fact]
    public async Task SummarizeAsync_NoCalls_HasZeroTotalsAndNoGroups()
    {
        var summary = await _reports.SummarizeAsync(Query, CancellationToken.None);

        Assert.Empty(summary.Groups);
        Assert.Equal(new UsageFigures(), summary.Totals);
        Assert.Equal(new DriftFigures(0, 0, 0), summary.Drift);
    }

    [Fact]
    public async Task SummarizeAsync_CallsOfEveryKind_AreAllCounted()
    {
        await InsertAsync(
            new() { Reported = 0.02m, Computed = 0.021m, Expected = 0.03m, CacheRead = 400 },
            new() { Computed = 0.5m, Expected = 0.1m },
            new() { Computed = 0.25m, Estimated = true, State = "aborted", Purpose = "cancelled", Output = 0 },
            new() { Model = "no/price" },
            new() { State = "reserved", Reserved = 1.5m, Input = 0, Output = 0 },
            new() { State = "possibly_billed", Reserved = 2m, Input = 0, Output = 0 });

        var totals = (await _reports.SummarizeAsync(Query, CancellationToken.None)).Totals;

        Assert.Equal((6, 1, 1, 1), (totals.Calls, totals.FailedCalls, totals.PossiblyBilledCalls, totals.UnpricedCalls));
        Assert.Equal(new TokenCounts { Input = 4000, Output = 300, CacheRead = 400 }, totals.Tokens);
        Assert.Equal((0.77m, 0.02m, 0.771m, 0.13m, 3.5m), (totals.CostUsd, totals.ReportedUsd, totals.ComputedUsd, totals.EstimatedUsd, totals.ReservedOpenUsd));
        Assert.Equal(new CostBySource(0.02m, 0.5m, 0.25m), totals.CostBySource);
    }

    [Fact]
    public async Task SummarizeAsync_TwoKeys_GroupsByBothInOrder()
    {
        await InsertAsync(
            new() { At = s_day.AddDays(1), Answered = "b", Computed = 1 },
            new() { At = s_day.AddHours(23.9), Answered = "b", Computed = 2 },
            new() { At = s_day, Answered = "a", Computed = 4 },
            new() { At = s_day, Answered = null, Model = "a", Computed = 8, Purpose = "retry" },
            new() { At = s_day.AddTicks(-10), Answered = "a", Computed = 16 },
            new() { At = s_day.AddDays(2), Answered = "a", Computed = 32 });

        var summary = await _reports.SummarizeAsync(Query with { GroupBy = ["day", "model"] }, CancellationToken.None);

        Assert.Equal(
            [("2026-11-10", "a", 12m), ("2026-11-10", "b", 2m), ("2026-11-11", "b", 1m)],
            summary.Groups.Select(group => (group.Day!, group.Model!, group.CostUsd)));
        Assert.All(summary.Groups, group => Assert.Null(group.Purpose));
        Assert.Equal(15, summary.Totals.CostUsd);
    }

    [Theory]
    [InlineData("model", "gpt-4o")]
    [InlineData("provider", "openrouter")]
    [InlineData("purpose", "repair")]
    [InlineData("day", "2026-11-10")]
    public async Task SummarizeAsync_OneKey_NamesIt(string key, string value)
    {
        await InsertAsync(new LedgerRow { Purpose = "repair" });

        var group = Assert.Single((await _reports.SummarizeAsync(Query with { GroupBy = [key] }, CancellationToken.None)).Groups);

        var json = JsonSerializer.SerializeToElement(group, UsageJson.Default.Options).GetProperty(key);
        Assert.Equal(value, json.GetString());
    }

    [Fact]
    public async Task SummarizeAsync_Users_CanBeToldApartAndFiltered()
    {
        var user = Guid.CreateVersion7();
        await InsertAsync(new() { UserId = user, Computed = 1 }, new() { Computed = 2 });

        var all = await _reports.SummarizeAsync(Query with { GroupBy = ["user", "workflow"] }, CancellationToken.None);
        var own = await _reports.SummarizeAsync(Query with { UserId = user }, CancellationToken.None);

        Assert.Equal([(user.ToString(), _workflow, 1m), (null, _workflow, 2m)], all.Groups.Select(group => (group.User, group.Workflow!, group.CostUsd)));
        Assert.Equal(1, own.Totals.CostUsd);
    }

    [Fact]
    public async Task SummarizeAsync_UnknownKey_IsRefused()
    {
        await Assert.ThrowsAsync<ArgumentException>(() => _reports.SummarizeAsync(Query with { GroupBy = ["day; drop table x"] }, CancellationToken.None));
        await Assert.ThrowsAsync<ArgumentException>(() => _reports.SummarizeAsync(Query with { GroupBy = [] }, CancellationToken.None));
    }

    [Fact]
    public async Task DriftAsync_CallsOverOnePercent_AreListedNewestFirst()
    {
        LedgerRow[] rows =
        [
            new() { Reported = 1, Computed = 1.0100001m, At = s_day.AddHours(1), Terms = ["service_tier:scale"] },
            new() { Reported = 1, Computed = 1.01m, At = s_day.AddHours(2) },
            new() { Reported = 0, Computed = 0.5m, At = s_day.AddHours(3) },
            new() { Reported = 0, Computed = 0, At = s_day.AddHours(4) },
            new() { Reported = 2, Computed = null, At = s_day.AddHours(5) },
            new() { Reported = 2, Computed = 1.5m, At = s_day.AddHours(6) },
        ];
        await InsertAsync(rows);

        var calls = await _reports.DriftAsync(Query, 10, CancellationToken.None);
        var summary = await _reports.SummarizeAsync(Query, CancellationToken.None);

        Assert.Equal([(rows[5].CallId, -0.25m), (rows[2].CallId, 1m), (rows[0].CallId, 0.01m)], calls.Select(call => (call.CallId, call.Drift)));
        Assert.Equal(["service_tier:scale"], calls[2].Terms);
        Assert.Equal(new DriftFigures(3, 3.0100001m, 3), summary.Drift);
        Assert.Equal(rows.Count(row => CostDrift.IsOver(row.Computed, row.Reported)), calls.Count);
        Assert.Single(await _reports.DriftAsync(Query, 1, CancellationToken.None));
    }

    private async Task InsertAsync(params LedgerRow[] rows)
    {
        foreach (var row in rows)
        {
            await (row with { Workflow = _workflow }).InsertAsync(engine);
        }
    }
}
