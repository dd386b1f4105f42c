using LlmWorkflow.AppHost.Servers;

namespace LlmWorkflow.AppHost;

/// <summary>Docker or Podman.</summary>
internal static class ContainerEngine
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    /// <summary>Whether an engine answers; the program alone does not run containers.</summary>
    public static async Task<bool> IsRunningAsync()
    {
        using var limit = new CancellationTokenSource(Limit);
        try
        {
            foreach (var engine in new[] { "docker", "podman" })
            {
                if ((await ToolCommand.RunAsync(engine, ["info", "--format", "{{.ID}}{{.Host}}"], limit.Token)).ExitCode == 0)
                {
                    return true;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // An engine that takes so long to answer is as good as none.
        }

        return false;
    }
}
