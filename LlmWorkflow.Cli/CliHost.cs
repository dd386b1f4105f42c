using System.CommandLine;

namespace LlmWorkflow.Cli;

/// <summary>What a command gets of the world around it, so that tests can give it another one. One per call of <see cref="CliApp.RunAsync"/>.</summary>
internal sealed class CliHost
{
    /// <summary>Results: what a script reads.</summary>
    public required TextWriter Out { get; init; }

    /// <summary>Everything else: errors, progress, summaries.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>Answers and piped input.</summary>
    public required TextReader In { get; init; }

    /// <summary>A person sits in front of <see cref="Error"/> and <see cref="In"/>: questions may be asked and a live display shown. Default false.</summary>
    public bool IsTerminal { get; init; }

    /// <summary><see cref="Out"/> is a terminal too. Default false.</summary>
    public bool IsOutTerminal { get; init; }

    /// <summary>Colours on <see cref="Error"/>: on a terminal, unless <c>NO_COLOR</c> is set.</summary>
    public bool UsesColor => IsTerminal && AllowsColor;

    /// <summary>Colours on <see cref="Out"/>: on a terminal, unless <c>NO_COLOR</c> is set.</summary>
    public bool UsesColorOnOut => IsOutTerminal && AllowsColor;

    /// <summary>Value of an environment variable; null when it is not set or blank.</summary>
    public Func<string, string?> Environment { get; init; } = static _ => null;

    /// <summary>Where relative paths start.</summary>
    public required string CurrentDirectory { get; init; }

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary><c>--workflows DIR</c>, which every command takes.</summary>
    public Option<string?> WorkflowsOption { get; } = new("--workflows")
    {
        Description = "The workflows folder. Default: $WORKFLOWS_DIR, else the nearest 'workflows' upward.",
        HelpName = "DIR",
        Recursive = true,
    };

    private bool AllowsColor => Environment("NO_COLOR") is null && Environment("TERM") is not "dumb";

    /// <summary>The host of a real call: the console and the environment of this process.</summary>
    public static CliHost OfProcess() => new()
    {
        Out = Console.Out,
        Error = Console.Error,
        In = Console.In,
        IsTerminal = !Console.IsErrorRedirected && !Console.IsInputRedirected,
        IsOutTerminal = !Console.IsOutputRedirected,
        Environment = static name => System.Environment.GetEnvironmentVariable(name) is { } value && !string.IsNullOrWhiteSpace(value) ? value : null,
        CurrentDirectory = Directory.GetCurrentDirectory(),
    };

    /// <summary><c>--json</c>, a new option for each command.</summary>
    public static Option<bool> JsonOption() => new("--json") { Description = "Print JSON, for scripts." };

    /// <summary>An argument that names a workflow: its name, or the path of its file. Completes the names of the folder.</summary>
    public Argument<string> WorkflowArgument()
    {
        var argument = new Argument<string>("workflow") { Description = "Name of the workflow, or path of its file.", HelpName = "NAME" };
        argument.CompletionSources.Add(context => WorkflowNames(context.ParseResult));
        return argument;
    }

    /// <summary>Names of the definition files in the folder; empty when there is none. Reads no file.</summary>
    public IReadOnlyList<string> WorkflowNames(ParseResult arguments)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        return FindWorkflows(arguments.GetValue(WorkflowsOption)) is { } folder && Directory.Exists(Path.Combine(folder, "definitions"))
            ? [.. Directory.EnumerateFiles(Path.Combine(folder, "definitions"), "*.json").Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal)]
            : [];
    }

    /// <summary>The workflows folder, absolute.</summary>
    /// <exception cref="CliException">There is none.</exception>
    public string WorkflowsDirectory(ParseResult arguments)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        var given = arguments.GetValue(WorkflowsOption) ?? Environment("WORKFLOWS_DIR");
        var folder = FindWorkflows(given)
            ?? throw new CliException("there is no workflows folder here: no 'workflows' with a 'definitions' inside, in this folder or above. Give one with --workflows DIR.");
        return Directory.Exists(folder) ? folder : throw new CliException($"there is no folder '{given}'.");
    }

    /// <summary>A path as absolute, from <see cref="CurrentDirectory"/>.</summary>
    public string FullPath(string path) => Path.GetFullPath(path, CurrentDirectory);

    /// <summary>A path for people: relative when it lies below <see cref="CurrentDirectory"/>.</summary>
    public string Shown(string path)
    {
        var relative = Path.GetRelativePath(CurrentDirectory, path);
        return relative.StartsWith("..", StringComparison.Ordinal) ? path : relative;
    }

    // The option or WORKFLOWS_DIR as it is, whether or not it exists; else what is found upward.
    private string? FindWorkflows(string? given)
    {
        if ((given ?? Environment("WORKFLOWS_DIR")) is { } named)
        {
            return FullPath(named);
        }

        for (var folder = new DirectoryInfo(CurrentDirectory); folder is not null; folder = folder.Parent)
        {
            var candidate = Path.Combine(folder.FullName, "workflows");
            if (Directory.Exists(Path.Combine(candidate, "definitions")))
            {
                return candidate;
            }
        }

        return null;
    }
}
