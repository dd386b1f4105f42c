using System.Text;
using LlmWorkflow.Engine;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.ExternalServices;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmWorkflow.Cli.Checking;

/// <summary>A workflow that can be planned, drawn or run.</summary>
/// <param name="Tree">The folder that it belongs to.</param>
/// <param name="Workflow">Pinned with its prompts and sub-workflows.</param>
/// <param name="Issues">What validation found: no errors.</param>
internal sealed record LoadedWorkflow(WorkflowTree Tree, PinnedWorkflow Workflow, IReadOnlyList<DefinitionIssue> Issues);

/// <summary>A definition file, checked.</summary>
/// <param name="File">Its path for people.</param>
/// <param name="Name">The file's name without ending.</param>
/// <param name="Text">Its text.</param>
/// <param name="Issues">All that was found, in the order of the file.</param>
internal sealed record CheckedFile(string File, string Name, string Text, IReadOnlyList<DefinitionIssue> Issues);

/// <summary>A workflows folder, read once.</summary>
internal sealed class WorkflowTree
{
    private readonly CliHost _host;

    private WorkflowTree(string root, CliHost host)
    {
        _host = host;
        Root = root;
        Services = new ServiceCatalog(new EngineOptions { WorkflowsDirectory = root });
        Catalog = new WorkflowCatalog(root, () => KnownServices.Of(Services), host.Time, NullLogger<WorkflowCatalog>.Instance);
    }

    /// <summary>Its path, absolute.</summary>
    public string Root { get; }

    /// <summary>Its workflows and prices.</summary>
    public WorkflowCatalog Catalog { get; }

    /// <summary>Its services.</summary>
    public ServiceCatalog Services { get; }

    private string Definitions => Path.Combine(Root, "definitions");

    /// <summary>Reads a folder.</summary>
    public static WorkflowTree Read(string root, CliHost host) => new(root, host);

    /// <summary>Whether an argument is a path and not a workflow's name.</summary>
    public static bool IsPath(string argument) =>
        argument.Contains('/', StringComparison.Ordinal) || argument.Contains(Path.DirectorySeparatorChar, StringComparison.Ordinal)
        || argument.EndsWith(".json", StringComparison.OrdinalIgnoreCase);

    /// <summary>The folder that a definition or service file stands in (<c>…/definitions/x.json</c>); null: in none.</summary>
    public static string? Around(string file) =>
        Path.GetDirectoryName(file) is { } folder && Path.GetFileName(folder) is "definitions" or ServiceCatalog.FolderName ? Path.GetDirectoryName(folder) : null;

    /// <summary>All definition files.</summary>
    public IEnumerable<CheckedFile> Files() => !Directory.Exists(Definitions)
        ? []
        : Directory.EnumerateFiles(Definitions, "*.json").Order(StringComparer.Ordinal).Select(file => Check(file, _host.Shown(file)));

    /// <summary>Files with issues that are no definitions: prices, limits and services.</summary>
    public IEnumerable<CheckedFile> Others()
    {
        foreach (var problem in Catalog.Problems.Where(problem => !problem.File.StartsWith("definitions/", StringComparison.Ordinal)))
        {
            yield return new(_host.Shown(Path.Combine(Root, problem.File)), Path.GetFileNameWithoutExtension(problem.File), "", problem.Issues);
        }

        if (Catalog.LimitIssues is { Count: > 0 } warnings && !Catalog.Problems.Any(problem => problem.File == "limits.json"))
        {
            yield return new(_host.Shown(Path.Combine(Root, "limits.json")), "limits", "", warnings);
        }
    }

    /// <summary>Checks one file against this folder.</summary>
    /// <param name="file">Absolute.</param>
    /// <param name="shown">As the caller named it.</param>
    public CheckedFile Check(string file, string shown)
    {
        var name = Path.GetFileNameWithoutExtension(file);
        var text = Text(file, shown);
        if (Path.GetFileName(Path.GetDirectoryName(file)) == ServiceCatalog.FolderName)
        {
            return new(shown, name, text, ServiceIssues.Read(name, text).Issues);
        }

        // What the folder says of its own files takes the others into account: workflows that run each other.
        var issues = Path.GetDirectoryName(file) == Definitions && Catalog.Issues(name) is { Count: > 0 } own
            ? own
            : DefinitionValidator.Validate(text, Around(file) is null ? null : name, Catalog.Surroundings).Issues;
        return new(shown, name, text, issues);
    }

    /// <summary>A workflow of this folder by name.</summary>
    /// <exception cref="CliException">There is none of that name, or it has errors.</exception>
    public LoadedWorkflow Load(string name)
    {
        var file = Path.Combine(Definitions, name + ".json");
        return File.Exists(file) ? LoadFile(file, _host.Shown(file)) : throw Unknown(name);
    }

    /// <summary>A workflow of a file anywhere, with prompts, services and workflows of this folder.</summary>
    /// <exception cref="CliException">It cannot be read, or has errors.</exception>
    public LoadedWorkflow LoadFile(string file, string shown)
    {
        var name = Path.GetFileNameWithoutExtension(file);
        var found = Check(file, shown);
        if (found.Issues.Any(issue => issue.Severity is IssueSeverity.Error))
        {
            var lines = found.Issues.Where(issue => issue.Severity is IssueSeverity.Error).Select(issue => IssueText.Line(shown, issue));
            throw new CliException($"the workflow '{name}' is not valid:{Environment.NewLine}{string.Join(Environment.NewLine, lines)}");
        }

        var workflow = Path.GetDirectoryName(file) == Definitions ? Catalog.Find(name) : null;
        return new(this, workflow ?? Catalog.Pin(DefinitionValidator.Validate(found.Text, null, Catalog.Surroundings), found.Text), found.Issues);
    }

    /// <summary>No workflow has that name.</summary>
    public CliException Unknown(string name)
    {
        string[] names = Directory.Exists(Definitions) ? [.. Directory.EnumerateFiles(Definitions, "*.json").Select(file => Path.GetFileNameWithoutExtension(file))] : [];
        return new CliException($"there is no workflow '{name}' in {_host.Shown(Root)}. {NearestNames.Suggest(name, names)}".TrimEnd());
    }

    private static string Text(string file, string shown)
    {
        try
        {
            return File.ReadAllText(file, Encoding.UTF8).Replace("\r\n", "\n", StringComparison.Ordinal);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CliException(e is FileNotFoundException or DirectoryNotFoundException ? $"there is no file '{shown}'." : $"'{shown}' cannot be read: {e.Message}");
        }
    }
}
