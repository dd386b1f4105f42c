using System.CommandLine;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Cli.Costs;

/// <summary><c>llmflow prices</c>.</summary>
internal static class PricesCommand
{
    public static Command Create(CliHost host)
    {
        var model = new Argument<string?>("model") { Description = "A model, by any of its ids. None: all.", HelpName = "MODEL", Arity = ArgumentArity.ZeroOrOne };
        model.CompletionSources.Add(context => PriceFile.Models(host, context.ParseResult));
        var at = TimeOption.Create("--at", "Prices of this time. Default: now.");
        var usage = new Option<string?>("--usage") { Description = "File with a usage block of any provider, or a whole reply, as it came; '-' reads standard input. Tells what the call costs.", HelpName = "FILE" };
        var terms = new Option<string[]>("--term") { Description = "With --usage: what changes the price and is not in the block. Repeatable.", HelpName = "NAME:VALUE" };
        var json = CliHost.JsonOption();
        var command = new CliCommand(
            "prices",
            "Show the prices of pricing.json, or what a call costs by them. Ends 1 when there is no price.",
            "llmflow prices",
            "llmflow prices claude-sonnet-5-5 --at 2026-10-06",
            "llmflow prices gpt-6.1-terra --usage usage.json --json",
            "llmflow prices --usage reply.json --term service_tier:batch")
        { model, at, usage, terms, json };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            var book = PriceFile.Read(host, arguments);
            var time = TimeOption.Read(arguments, at);
            if (arguments.GetValue(usage) is { } file)
            {
                var cost = UsageCost.Of(
                    await UsageCost.ReadFileAsync(host, file, cancellationToken), file, arguments.GetValue(model), arguments.GetValue(terms) ?? [], book, time ?? host.Time.GetUtcNow());
                await host.Out.WriteLineAsync((arguments.GetValue(json) ? PriceJson.Of(cost) : PriceText.Of(cost)).AsMemory(), cancellationToken);
                return cost.CostUsd is null ? Unpriced(host, book, cost) : ExitCodes.Success;
            }

            if (arguments.GetValue(terms) is { Length: > 0 })
            {
                throw new CliException("--term belongs to --usage.");
            }

            return arguments.GetValue(model) is { } name
                ? One(host, book, name, time, arguments.GetValue(json))
                : All(host, book, time ?? host.Time.GetUtcNow(), arguments.GetValue(json));
        });
        return command;
    }

    private static int All(CliHost host, PriceBook book, DateTimeOffset at, bool json)
    {
        host.Out.WriteLine(json ? PriceJson.Of(book, at) : PriceText.Of(book, at));
        return ExitCodes.Success;
    }

    private static int One(CliHost host, PriceBook book, string name, DateTimeOffset? at, bool json)
    {
        if (book.Find(name) is not { } model)
        {
            throw new CliException(Unknown(book, name), ExitCodes.Failure);
        }

        if (at is { } time && model.At(time) is null)
        {
            throw new CliException($"'{name}' has no price at {TimeOption.Text(time)}.", ExitCodes.Failure);
        }

        host.Out.WriteLine(json ? PriceJson.Of(name, model, at, host.Time.GetUtcNow()) : PriceText.Of(model, at));
        return ExitCodes.Success;
    }

    private static int Unpriced(CliHost host, PriceBook book, UsageCost cost)
    {
        host.Error.WriteLine($"error: {(book.Knows(cost.Model) ? $"'{cost.Model}' has no price at {TimeOption.Text(cost.At)}." : Unknown(book, cost.Model))}");
        return ExitCodes.Failure;
    }

    private static string Unknown(PriceBook book, string name) => $"pricing.json has no price for '{name}'. {NearestNames.Suggest(name, book.Models)}".TrimEnd();
}
