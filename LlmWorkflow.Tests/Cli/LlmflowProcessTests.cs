using System.Diagnostics;
using System.Text.Json;
using LlmWorkflow.Tests.Support;

namespace LlmWorkflow.Tests.Cli;

/// <summary>The program as people call it. Both projects are built with the tests, so <c>./llmflow</c> has nothing to build.</summary>
public sealed class LlmflowProcessTests
{
    private static readonly string[] Keys = ["OPENROUTER_API_KEY", "OPENROUTER_BASE_URL", "GOOGLE_SERVICES_API_KEY", "GOOGLE_PLACES_API_KEY", "GOOGLE_PLACES_BASE_URL", "ENVIRONMENT", "DOTNET_ENVIRONMENT", "WORKFLOWS_DIR"];

    [Fact]
    public async Task Llmflow_Version_IsTheProducts()
    {
        var (code, output, error) = await RunAsync("--version");

        Assert.True(code == 0, error);
        Assert.Matches(@"^\d+\.\d+\.\d+", output);
    }

    [Fact]
    public async Task Llmflow_RunWithoutKeys_StartsTheSimulatorAndEndsItToo()
    {
        var (code, output, error) = await RunAsync("run", "emergency_contacts", "--input", "workflows/samples/emergency_contacts.json", "--json");

        Assert.True(code == 0, error);
        Assert.Contains("Simulated, no key is set: openrouter (OPENROUTER_API_KEY), google_places", error);
        Assert.Equal("completed", JsonElement.Parse(output).GetProperty("status").GetString());
    }

    private static async Task<(int Code, string Output, string Error)> RunAsync(params string[] args)
    {
        var start = new ProcessStartInfo(Path.Combine(Repository.Root, "llmflow"), args)
        {
            RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true, WorkingDirectory = Repository.Root,
        };
        foreach (var key in Keys)
        {
            start.Environment.Remove(key);
        }

        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        using var timeout = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        await process.WaitForExitAsync(timeout.Token);
        return (process.ExitCode, await output, await error);
    }
}
