using System.CommandLine;
using LlmWorkflow.Cli.Checking;
using Spectre.Console;

namespace LlmWorkflow.Cli.Authoring;

/// <summary><c>llmflow edit</c>.</summary>
internal static class EditCommand
{
    public static Command Create(CliHost host)
    {
        var workflow = host.WorkflowArgument();
        var allowErrors = new Option<bool>("--allow-errors") { Description = "Save even with errors in the definition." };
        var command = new CliCommand(
            "edit",
            "Edit a definition step by step: with questions on a terminal, else one command per line of standard input ('help' lists them). Keeps the file's formatting; nothing is written before 'save'.",
            "llmflow edit emergency_contacts",
            "printf 'add llm as draft after fetch\\nset draft max_tokens 500\\nsave\\n' | llmflow edit my_flow")
        { workflow, allowErrors };
        command.SetAction((arguments, cancellationToken) =>
        {
            var session = Open(host, arguments, arguments.GetRequiredValue(workflow));
            return host.IsTerminal
                ? new EditMenu(session, Console(host)).RunAsync(arguments.GetValue(allowErrors), cancellationToken)
                : EditScript.RunAsync(session, host, arguments.GetValue(allowErrors), cancellationToken);
        });
        return command;
    }

    private static EditSession Open(CliHost host, ParseResult arguments, string argument)
    {
        var isPath = WorkflowTree.IsPath(argument);
        var root = isPath && arguments.GetValue(host.WorkflowsOption) is null ? WorkflowTree.Around(host.FullPath(argument)) : null;
        var tree = WorkflowTree.Read(root ?? host.WorkflowsDirectory(arguments), host);
        var file = isPath ? host.FullPath(argument) : Path.Combine(tree.Root, "definitions", argument + ".json");
        if (!isPath && !File.Exists(file))
        {
            throw tree.Unknown(argument);
        }

        // Only files of a definitions folder must have the name of their workflow.
        var name = WorkflowTree.Around(file) is null ? null : Path.GetFileNameWithoutExtension(file);
        return EditSession.Open(file, isPath ? argument : host.Shown(file), tree.Catalog.Surroundings, name);
    }

    private static IAnsiConsole Console(CliHost host) => AnsiConsole.Create(new AnsiConsoleSettings
    {
        Out = new AnsiConsoleOutput(host.Error),
        Interactive = InteractionSupport.Yes,
        ColorSystem = host.UsesColor ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
    });
}
