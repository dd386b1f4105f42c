using System.CommandLine;
using System.Globalization;
using LlmWorkflow.Cli.Stores;
using LlmWorkflow.Engine.Costs;

namespace LlmWorkflow.Cli.Costs;

/// <summary><c>llmflow recost</c>.</summary>
internal static class RecostCommand
{
    public static Command Create(CliHost host)
    {
        var from = TimeOption.Create("--from", "Only calls that began at this time or later.");
        var to = TimeOption.Create("--to", "Only calls that began before this time.");
        var model = new Option<string?>("--model") { Description = "Only calls of this model.", HelpName = "MODEL" };
        model.CompletionSources.Add(context => PriceFile.Models(host, context.ParseResult));
        var dryRun = new Option<bool>("--dry-run") { Description = "Say what would change, and change nothing." };
        var all = new Option<bool>("--all") { Description = "Also calls with a computed cost, where pricing.json gives another one now. Reported costs are never touched." };
        var reason = new Option<string?>("--reason") { Description = "Kept with each change.", HelpName = "TEXT" };
        var database = new CliDatabase(host);
        var json = CliHost.JsonOption();
        var command = new CliCommand(
            "recost",
            "Price calls whose cost is unknown by the present pricing.json, at the rates of their time. Each change is kept in llm_cost_changes.",
            "llmflow recost --dry-run",
            "llmflow recost --model acme/new-model --reason 'price list of November'",
            "llmflow recost --all --from 2026-10-07")
        { from, to, model, dryRun, all, reason, database.Option, json };
        command.SetAction((arguments, cancellationToken) =>
        {
            var query = new RevisionQuery
            {
                From = TimeOption.Read(arguments, from),
                To = TimeOption.Read(arguments, to),
                Model = arguments.GetValue(model),
                All = arguments.GetValue(all),
                DryRun = arguments.GetValue(dryRun),
                Reason = arguments.GetValue(reason),
                ChangedBy = $"llmflow recost, {host.Environment("USER") ?? host.Environment("USERNAME") ?? "unknown user"}",
            };
            var prices = PriceFile.Read(host, arguments);
            return database.UseAsync(arguments, async source =>
            {
                var result = await new CostRevision(database.Stores(source)).RunAsync(query, prices, cancellationToken);
                await host.Out.WriteLineAsync((arguments.GetValue(json) ? Json(result, query.DryRun) : Text(result, query.DryRun)).AsMemory(), cancellationToken);
                return ExitCodes.Success;
            });
        });
        return command;
    }

    private static string Text(RevisionResult result, bool dryRun)
    {
        var unknown = string.Join(", ", result.UnknownModels.Select(model => string.Create(CultureInfo.InvariantCulture, $"{model.Key} ({model.Value})")));
        var line = string.Create(
            CultureInfo.InvariantCulture,
            $"{result.Calls} calls looked at, {result.Changed} {(dryRun ? "would change" : "changed")}, {PriceText.Exact(result.AddedUsd)} USD added, {result.Unknown} still without a price");
        return unknown.Length == 0 ? $"{line}." : $"{line}: {unknown}.";
    }

    private static string Json(RevisionResult result, bool dryRun) => CliJson.Text(writer =>
    {
        writer.WriteStartObject();
        writer.WriteBoolean("dry_run", dryRun);
        writer.WriteNumber("calls", result.Calls);
        writer.WriteNumber("changed", result.Changed);
        writer.WriteNumber("unknown", result.Unknown);
        writer.WriteNumber("added_usd", result.AddedUsd);
        writer.WriteStartObject("unknown_models");
        foreach (var (model, calls) in result.UnknownModels)
        {
            writer.WriteNumber(model, calls);
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    });
}
