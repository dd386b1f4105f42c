using System.CommandLine;
using System.Text.RegularExpressions;
using LlmWorkflow.Cli.Checking;
using LlmWorkflow.Engine.Definitions.Language;

namespace LlmWorkflow.Cli.Authoring;

/// <summary><c>llmflow new</c>.</summary>
internal static class NewCommand
{
    public static Command Create(CliHost host)
    {
        var name = new Argument<string?>("name") { Description = "Name of the new workflow.", HelpName = "NAME", Arity = ArgumentArity.ZeroOrOne };
        var template = new Option<string>("--template", "-t")
        {
            Description = "What to start from; --list describes the templates.", HelpName = "TEMPLATE", DefaultValueFactory = static _ => WorkflowTemplate.All[0].Name,
        };
        template.AcceptOnlyFromAmong([.. WorkflowTemplate.All.Select(known => known.Name)]);
        var folder = new Option<string?>("--dir") { Description = "The workflows folder, made when it does not exist. Default: that of --workflows.", HelpName = "DIR" };
        var force = new Option<bool>("--force") { Description = "Overwrite files that exist." };
        var list = new Option<bool>("--list") { Description = "List the templates." };
        var command = new CliCommand(
            "new",
            "Write a new workflow that is valid at once: its definition, and what it needs beside it.",
            "llmflow new my_flow",
            "llmflow new my_flow --template llm",
            "llmflow new my_flow --template foreach --dir ./workflows")
        { name, template, folder, force, list };
        command.SetAction(arguments =>
        {
            if (arguments.GetValue(list))
            {
                return List(host);
            }

            var workflow = arguments.GetValue(name) ?? throw new CliException("the name is missing: llmflow new NAME");
            if (!Regex.IsMatch(workflow, Forms.WorkflowName.Pattern))
            {
                throw new CliException($"'{workflow}' is no {Forms.WorkflowName.Words}.");
            }

            // A folder that is named may be new; one that is searched for must be there.
            var given = arguments.GetValue(folder) ?? arguments.GetValue(host.WorkflowsOption);
            var root = given is null ? host.WorkflowsDirectory(arguments) : host.FullPath(given);
            var files = WorkflowTemplate.All.First(known => known.Name == arguments.GetValue(template)).FilesFor(workflow)
                .Select(file => (Path: Path.Combine(root, file.Key), Text: file.Value)).ToList();
            Write(host, files, arguments.GetValue(force));
            return Report(host, root, workflow, files[0].Path);
        });
        return command;
    }

    private static int List(CliHost host)
    {
        foreach (var template in WorkflowTemplate.All)
        {
            host.Out.WriteLine($"{template.Name,-10}{template.Description}");
        }

        return ExitCodes.Success;
    }

    private static void Write(CliHost host, List<(string Path, string Text)> files, bool isForced)
    {
        if (!isForced && files.Where(file => File.Exists(file.Path)).Select(file => host.Shown(file.Path)).ToList() is { Count: > 0 } existing)
        {
            throw new CliException($"there is already: {string.Join(", ", existing)}. Nothing was written; --force overwrites.");
        }

        foreach (var (path, text) in files)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, text);
            host.Out.WriteLine($"wrote {host.Shown(path)}");
        }
    }

    private static int Report(CliHost host, string root, string workflow, string file)
    {
        var checkedFile = WorkflowTree.Read(root, host).Check(file, host.Shown(file));
        foreach (var issue in checkedFile.Issues)
        {
            host.Error.WriteLine(IssueText.Line(checkedFile.File, issue));
        }

        host.Out.WriteLine($"""

            Next:
              llmflow validate {workflow}
              llmflow diagram {workflow}
              llmflow dry-run {workflow} --input input.json
              llmflow edit {workflow}
            """);
        var schema = Path.Combine(root, "workflow.schema.json");
        if (!File.Exists(schema))
        {
            host.Out.WriteLine($"  llmflow schema -o {host.Shown(schema)}    # completion in your editor");
        }

        return ExitCodes.Success;
    }
}
