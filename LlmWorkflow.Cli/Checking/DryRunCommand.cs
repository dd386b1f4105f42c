using System.CommandLine;
using System.Text.Json;
using LlmWorkflow.Engine;
using LlmWorkflow.Engine.Definitions;

namespace LlmWorkflow.Cli.Checking;

/// <summary><c>llmflow dry-run</c>.</summary>
internal static class DryRunCommand
{
    public static Command Create(CliHost host)
    {
        var name = host.WorkflowArgument();
        var input = new JobInput();
        var prompts = new Option<bool>("--prompts") { Description = "Show the prompts too." };
        var json = CliHost.JsonOption();
        var command = new CliCommand(
            "dry-run",
            "Show what a run would do and cost, without a single call. Ends 2 when the input does not fit.",
            "llmflow dry-run emergency_contacts --input workflows/samples/emergency_contacts.json",
            "llmflow dry-run emergency_contacts --prompts",
            "llmflow dry-run emergency_contacts --input - --json < input.json")
        { name, prompts, json };
        input.AddTo(command);
        command.SetAction(async (arguments, cancellationToken) =>
        {
            var loaded = new WorkflowTrees(host, arguments).Load(arguments.GetRequiredValue(name));
            var plan = DryRunPlanner.Plan(
                loaded.Workflow, await input.ReadAsync(host, arguments, cancellationToken), loaded.Tree.Catalog.Prices, new EngineOptions().DefaultProvider,
                host.Time.GetUtcNow(), loaded.Issues);
            if (arguments.GetValue(json))
            {
                var element = JsonSerializer.SerializeToElement(plan, DryRunJson.Default.DryRunPlan);
                await host.Out.WriteLineAsync(CliJson.Text(element).AsMemory(), cancellationToken);
            }
            else
            {
                new PlanText(host.Out, arguments.GetValue(prompts)).Write(plan);
            }

            return plan.Valid ? ExitCodes.Success : ExitCodes.Usage;
        });
        return command;
    }
}
