using System.Text;
using System.Text.Json;

namespace LlmWorkflow.Cli.Authoring;

/// <summary>An example that <c>llmflow new</c> starts from: files under <c>Templates/NAME</c>, with <c>_NAME_</c> for the workflow's name in paths and texts.</summary>
/// <param name="Name">As typed.</param>
/// <param name="Files">Texts by path below the workflows folder, the definition first.</param>
internal sealed record WorkflowTemplate(string Name, IReadOnlyList<KeyValuePair<string, string>> Files)
{
    private const string Placeholder = "_NAME_";

    private const string Folder = "templates/";

    // The simplest first.
    private static readonly string[] Order = ["minimal", "llm", "api", "branches", "foreach", "approval"];

    /// <summary>All templates, the simplest first.</summary>
    public static IReadOnlyList<WorkflowTemplate> All { get; } = [.. Order.Select(Read)];

    /// <summary>What it shows.</summary>
    public string Description
    {
        get
        {
            using var definition = JsonDocument.Parse(Files[0].Value);
            return definition.RootElement.GetProperty("description").GetString()!;
        }
    }

    /// <summary>The files for a workflow.</summary>
    /// <param name="workflow">Its name.</param>
    public IEnumerable<KeyValuePair<string, string>> FilesFor(string workflow) => Files.Select(file => KeyValuePair.Create(Named(file.Key, workflow), Named(file.Value, workflow)));

    private static string Named(string text, string workflow) => text.Replace(Placeholder, workflow, StringComparison.Ordinal);

    private static WorkflowTemplate Read(string name)
    {
        var assembly = typeof(WorkflowTemplate).Assembly;
        List<KeyValuePair<string, string>> files = [];
        foreach (var resource in assembly.GetManifestResourceNames())
        {
            // Built on Windows, the names have its separator.
            var path = resource.Replace('\\', '/');
            if (path.StartsWith($"{Folder}{name}/", StringComparison.Ordinal))
            {
                using StreamReader reader = new(assembly.GetManifestResourceStream(resource)!, Encoding.UTF8);
                files.Add(KeyValuePair.Create(path[(Folder.Length + name.Length + 1)..], reader.ReadToEnd().Replace("\r\n", "\n", StringComparison.Ordinal)));
            }
        }

        return new(name, [.. files.OrderBy(file => file.Key, StringComparer.Ordinal)]);
    }
}
