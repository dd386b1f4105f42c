namespace LlmWorkflow.Tests.Support;

/// <summary>A workflows folder of a test's own: the shipped prompts, services and prices, with the test's definitions beside the shipped ones.</summary>
internal sealed class WorkflowTree : IDisposable
{
    public WorkflowTree(params (string Name, string Json)[] definitions)
    {
        Root = Directory.CreateTempSubdirectory("workflows-").FullName;
        var shipped = Path.Combine(Repository.Root, "workflows");
        foreach (var file in Directory.EnumerateFiles(shipped, "*", SearchOption.AllDirectories).Where(f => !Path.GetRelativePath(shipped, f).StartsWith("samples", StringComparison.Ordinal)))
        {
            var copy = Path.Combine(Root, Path.GetRelativePath(shipped, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }

        foreach (var (name, json) in definitions)
        {
            Write($"definitions/{name}.json", json);
        }
    }

    public string Root { get; }

    public void Write(string path, string text)
    {
        var file = Path.Combine(Root, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
