using LlmWorkflow.AppHost.Servers;

namespace LlmWorkflow.AppHost;

/// <summary>The <c>aspire</c> executable: where <c>./run</c> put it, or on PATH.</summary>
internal static class AspireCli
{
    public static string? Find()
    {
        var cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } xdg
            ? xdg
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
        var versions = Path.Combine(cache, "llmworkflow", "aspire-cli");
        var installed = !Directory.Exists(versions)
            ? null
            : Directory.EnumerateDirectories(versions)
                .OrderDescending(StringComparer.Ordinal)
                .Select(version => Path.Combine(version, "node_modules", "@microsoft"))
                .Where(Directory.Exists)
                .SelectMany(scope => Directory.EnumerateDirectories(scope, "aspire-cli-*"))
                .Select(package => Path.Combine(package, "bin", "aspire"))
                .FirstOrDefault(File.Exists);
        return installed ?? ServerBinaries.FindProgram("aspire");
    }
}
