using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using LlmWorkflow.Cli.Stores;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Cli.Costs;

/// <summary><c>llmflow usage</c>.</summary>
internal static class UsageCommand
{
    private const int DefaultCalls = 100;

    private static readonly TimeSpan DefaultRange = TimeSpan.FromDays(30);

    public static Command Create(CliHost host)
    {
        var by = new Option<string?>("--by") { Description = $"Group by one or more of {string.Join(", ", UsageReports.Groupings)}, separated by commas. Default: day.", HelpName = "KEYS" };
        by.CompletionSources.Add(UsageReports.Groupings.ToArray());
        var from = TimeOption.Create("--from", "First instant. Default: 30 days before --to.");
        var to = TimeOption.Create("--to", "First instant that no longer belongs to it. Default: now.");
        var user = new Option<Guid?>("--user") { Description = "Only this user's calls.", HelpName = "UUID" };
        var workflow = new Option<string?>("--workflow") { Description = "Only calls of this workflow.", HelpName = "NAME" };
        var drift = new Option<bool>("--drift") { Description = "List the calls whose computed cost is more than 1 % off the reported one, newest first." };
        var limit = new Option<int>("--limit") { Description = "With --drift: how many.", HelpName = "N", DefaultValueFactory = static _ => DefaultCalls };
        var database = new CliDatabase(host);
        var json = CliHost.JsonOption();
        var command = new CliCommand(
            "usage",
            "Show what calls of models used and cost, out of the database's ledger.",
            "llmflow usage",
            "llmflow usage --by model,purpose --from 2026-11-01 --to 2026-12-01",
            "llmflow usage --drift --json")
        { by, from, to, user, workflow, drift, limit, database.Option, json };
        command.SetAction((arguments, cancellationToken) =>
        {
            var until = TimeOption.Read(arguments, to) ?? host.Time.GetUtcNow();
            var query = new UsageQuery
            {
                From = TimeOption.Read(arguments, from) ?? until - DefaultRange,
                To = until,
                GroupBy = Keys(arguments.GetValue(by)),
                UserId = arguments.GetValue(user),
                WorkflowName = arguments.GetValue(workflow),
            };
            if (query.From >= query.To)
            {
                throw new CliException("--from must be before --to.");
            }

            return database.UseAsync(arguments, async source =>
            {
                var reports = new UsageReports(database.Stores(source));
                var text = arguments.GetValue(drift)
                    ? Drift(await reports.DriftAsync(query, Math.Max(1, arguments.GetValue(limit)), cancellationToken), arguments.GetValue(json))
                    : Report(await reports.SummarizeAsync(query, cancellationToken), arguments.GetValue(json));
                await host.Out.WriteLineAsync(text.AsMemory(), cancellationToken);
                return ExitCodes.Success;
            });
        });
        return command;
    }

    private static string[] Keys(string? by)
    {
        var keys = by?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? ["day"];
        var unknown = keys.FirstOrDefault(key => !UsageReports.Groupings.Contains(key));
        return unknown is null && keys.Length > 0 ? keys : throw new CliException($"--by takes no '{unknown}'. {NearestNames.Suggest(unknown ?? "", UsageReports.Groupings)}");
    }

    private static string Report(UsageSummary summary, bool json)
    {
        if (json)
        {
            return CliJson.Text(JsonSerializer.SerializeToElement(summary, UsageJson.Default.UsageSummary));
        }

        var table = new TextTable(summary.GroupBy.Count);
        table.Add([.. summary.GroupBy.Select(key => key.ToUpperInvariant()), "CALLS", "FAILED", "UNPRICED", "INPUT", "CACHE READ", "CACHE WRITE", "OUTPUT", "COST USD"]);
        foreach (var group in summary.Groups)
        {
            table.Add([.. summary.GroupBy.Select(key => Key(group, key)), .. Figures(group)]);
        }

        table.Add([.. summary.GroupBy.Select((_, index) => index == 0 ? "total" : ""), .. Figures(summary.Totals)]);
        List<string> lines = [table.ToString()];
        Note(summary.Truncated, $"Only the first {UsageReports.MostGroups} groups; the total counts all.");
        Note(summary.Totals.UnpricedCalls > 0, $"{summary.Totals.UnpricedCalls} calls have no price and are not in the cost: 'llmflow recost' prices them once pricing.json knows their models.");
        Note(summary.Totals.PossiblyBilledCalls > 0, $"{summary.Totals.PossiblyBilledCalls} calls may have been billed: nobody knows.");
        Note(summary.Drift.Calls > 0, $"{summary.Drift.Calls} calls cost more than 1 % other than pricing.json says: ${PriceText.Exact(summary.Drift.ReportedUsd)} reported, ${PriceText.Exact(summary.Drift.ComputedUsd)} computed. 'llmflow usage --drift' lists them.");
        return string.Join(Environment.NewLine, lines);

        void Note(bool applies, FormattableString text)
        {
            if (applies)
            {
                lines.Add(FormattableString.Invariant(text));
            }
        }
    }

    private static string Drift(IReadOnlyList<DriftingCall> calls, bool json)
    {
        if (json)
        {
            return CliJson.Text(JsonSerializer.SerializeToElement(new DriftList(calls), UsageJson.Default.DriftList));
        }

        var table = new TextTable(4);
        table.Add("AT", "MODEL", "WORKFLOW", "CALL", "COMPUTED", "REPORTED", "DRIFT");
        foreach (var call in calls)
        {
            table.Add(TimeOption.Text(call.At), call.Model, call.Workflow, call.CallId, PriceText.Exact(call.ComputedUsd), PriceText.Exact(call.ReportedUsd), call.Drift.ToString("+0.##%;-0.##%", CultureInfo.InvariantCulture));
        }

        return table.ToString();
    }

    private static string? Key(UsageGroup group, string key) => key switch
    {
        "day" => group.Day,
        "model" => group.Model,
        "provider" => group.Provider,
        "workflow" => group.Workflow,
        "user" => group.User,
        _ => group.Purpose,
    };

    private static IEnumerable<object?> Figures(UsageFigures figures) =>
    [
        figures.Calls, figures.FailedCalls, figures.UnpricedCalls, figures.Tokens.Input, figures.Tokens.CacheRead,
        figures.Tokens.CacheWrite5m + figures.Tokens.CacheWrite1h, figures.Tokens.Output, PriceText.Exact(figures.CostUsd),
    ];
}
