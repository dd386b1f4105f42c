namespace LlmWorkflow.Tests.Engine.Definitions;

/// <summary>The repository's own workflows folder.</summary>
internal static class ShippedWorkflows
{
    public static string Directory { get; } = Find();

    private static string Find()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "LlmWorkflow.sln")))
        {
            folder = folder.Parent;
        }

        return Path.Combine(folder?.FullName ?? throw new InvalidOperationException("No LlmWorkflow.sln above the test's folder."), "workflows");
    }
}
