using System.CommandLine;

namespace LlmWorkflow.Cli.Checking;

/// <summary>Finds what a command's arguments name. Reads each folder once.</summary>
internal sealed class WorkflowTrees(CliHost host, ParseResult arguments)
{
    private readonly Dictionary<string, WorkflowTree> _read = new(StringComparer.Ordinal);

    /// <summary>The folder of <c>--workflows</c>, else the default one.</summary>
    /// <exception cref="CliException">There is none.</exception>
    public WorkflowTree Main() => Read(host.WorkflowsDirectory(arguments));

    /// <summary>The workflow that an argument names, by name or path.</summary>
    /// <exception cref="CliException">It does not exist, or has errors.</exception>
    public LoadedWorkflow Load(string argument) =>
        WorkflowTree.IsPath(argument) ? Of(host.FullPath(argument)).LoadFile(host.FullPath(argument), argument) : Main().Load(argument);

    /// <summary>The files that an argument names: one, or those of a folder.</summary>
    /// <exception cref="CliException">There is none.</exception>
    public IEnumerable<CheckedFile> Check(string argument)
    {
        var path = host.FullPath(argument);
        if (!WorkflowTree.IsPath(argument) && !Directory.Exists(path))
        {
            var tree = Main();
            var file = Path.Combine(tree.Root, "definitions", argument + ".json");
            return File.Exists(file) ? [tree.Check(file, host.Shown(file))] : throw tree.Unknown(argument);
        }

        if (!Directory.Exists(path))
        {
            return [Of(path).Check(path, argument)];
        }

        if (Directory.Exists(Path.Combine(path, "definitions")))
        {
            var tree = Read(path);
            return tree.Files().Concat(tree.Others());
        }

        return Directory.EnumerateFiles(path, "*.json").Order(StringComparer.Ordinal).Select(file => Of(file).Check(file, Path.Combine(argument, Path.GetFileName(file))));
    }

    // The folder asked for goes first, so that a file elsewhere can be checked against the prompts and services of another tree.
    private WorkflowTree Of(string file) =>
        arguments.GetValue(host.WorkflowsOption) is null && WorkflowTree.Around(file) is { } around ? Read(around) : Main();

    private WorkflowTree Read(string root)
    {
        if (!_read.TryGetValue(root, out var tree))
        {
            _read[root] = tree = WorkflowTree.Read(root, host);
        }

        return tree;
    }
}
