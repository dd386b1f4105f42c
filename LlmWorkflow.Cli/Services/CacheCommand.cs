using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using LlmWorkflow.Cli.Costs;
using LlmWorkflow.Client.Contracts;

namespace LlmWorkflow.Cli.Services;

/// <summary><c>llmflow cache</c>.</summary>
internal static class CacheCommand
{
    public static Command Create(CliHost host) => new CliCommand(
        "cache", "Show or delete the kept replies of external services, over the API.", "llmflow cache stats", "llmflow cache clear --service weatherapi")
    {
        Stats(host),
        Clear(host),
    };

    private static CliCommand Stats(CliHost host)
    {
        var (service, operation, api, json) = (ServiceOption(), OperationOption(), new ApiAddress(host), CliHost.JsonOption());
        var command = new CliCommand(
            "stats",
            "Show what the cache holds and what became of requests.",
            "llmflow cache stats",
            "llmflow cache stats --service google_places --operation nearby_search --json")
        { service, operation, api.Option, json };
        command.SetAction((arguments, cancellationToken) => api.UseAsync(arguments, async client =>
        {
            var stats = await client.GetCacheStatsAsync(arguments.GetValue(service), arguments.GetValue(operation), cancellationToken);
            var text = arguments.GetValue(json) ? CliJson.Text(JsonSerializer.SerializeToElement(stats, WorkflowJson.Default.CacheStatsResponse)) : Text(stats);
            await host.Out.WriteLineAsync(text.AsMemory(), cancellationToken);
            return ExitCodes.Success;
        }));
        return command;
    }

    private static CliCommand Clear(CliHost host)
    {
        var (service, operation, api, json) = (ServiceOption(), OperationOption(), new ApiAddress(host), CliHost.JsonOption());
        var key = new Option<string?>("--key") { Description = "Only this kept reply: service:operation:hash.", HelpName = "KEY" };
        var all = new Option<bool>("--all") { Description = "Needed to delete the replies of all services." };
        var command = new CliCommand(
            "clear",
            "Delete kept replies from all levels of the cache.",
            "llmflow cache clear --service weatherapi --operation current",
            "llmflow cache clear --all")
        { service, operation, key, all, api.Option, json };
        command.SetAction((arguments, cancellationToken) =>
        {
            var narrowed = arguments.GetValue(service) ?? arguments.GetValue(operation) ?? arguments.GetValue(key);
            if (narrowed is null != arguments.GetValue(all))
            {
                throw new CliException(narrowed is null
                    ? "this deletes the replies of all services. Say --all if you mean it, or narrow it with --service, --operation or --key."
                    : "--all stands alone: it deletes the replies of all services.");
            }

            return api.UseAsync(arguments, async client =>
            {
                var cleared = await client.ClearCacheAsync(arguments.GetValue(service), arguments.GetValue(operation), arguments.GetValue(key), cancellationToken);
                var text = arguments.GetValue(json)
                    ? CliJson.Text(JsonSerializer.SerializeToElement(cleared, WorkflowJson.Default.CacheClearResponse))
                    : string.Create(CultureInfo.InvariantCulture, $"{cleared.Deleted} kept {(cleared.Deleted == 1 ? "reply" : "replies")} deleted.");
                await host.Out.WriteLineAsync(text.AsMemory(), cancellationToken);
                return ExitCodes.Success;
            });
        });
        return command;
    }

    private static Option<string?> ServiceOption() => new("--service") { Description = "Only this service.", HelpName = "NAME" };

    private static Option<string?> OperationOption() => new("--operation") { Description = "Only this operation; with --service.", HelpName = "NAME" };

    private static string Text(CacheStatsResponse stats)
    {
        var table = new TextTable(2);
        table.Add("SERVICE", "OPERATION", "ENTRIES", "EXPIRED", "BYTES", "OLDEST", "NEWEST", "MEMORY", "REDIS", "TABLE", "SHARED", "MISSES", "ERRORS", "STALE", "HIT RATE");
        foreach (var operation in stats.Operations)
        {
            table.Add([operation.Service, operation.Operation, .. Figures(operation)]);
        }

        table.Add(["total", "", .. Figures(stats.Totals)]);
        return table.ToString();
    }

    private static IEnumerable<object?> Figures(CacheFigures figures) =>
    [
        figures.Entries, figures.ExpiredEntries, figures.Bytes, Age(figures.OldestSeconds), Age(figures.NewestSeconds), figures.MemoryHits, figures.RedisHits,
        figures.TableHits, figures.Shared, figures.Misses, figures.Errors, figures.Stale,
        figures.Hits + figures.Misses > 0 ? ((double)figures.Hits / (figures.Hits + figures.Misses)).ToString("0.0 %", CultureInfo.InvariantCulture) : null,
    ];

    private static string? Age(double? seconds) => seconds switch
    {
        null => null,
        < 120 => string.Create(CultureInfo.InvariantCulture, $"{seconds:0} s"),
        < 7200 => string.Create(CultureInfo.InvariantCulture, $"{seconds / 60:0} min"),
        < 172_800 => string.Create(CultureInfo.InvariantCulture, $"{seconds / 3600:0} h"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{seconds / 86_400:0} d"),
    };
}
