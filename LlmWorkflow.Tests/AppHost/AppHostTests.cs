using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using LlmWorkflow.AppHost;

namespace LlmWorkflow.Tests.AppHost;

/// <summary>The AppHost as users run it: a process that is signalled and killed.</summary>
[Collection(nameof(Running.RunningSystem))]
public sealed class AppHostTests : IDisposable
{
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(90);
    private readonly List<string> homes = [];

    public void Dispose()
    {
        foreach (var home in homes.Where(Directory.Exists))
        {
            Directory.Delete(home, recursive: true);
        }
    }

    [Fact]
    public async Task TwoSystems_SideBySide_EndWithoutTraceWhenStoppedOrKilled()
    {
        var (firstHome, secondHome) = (NewHome(), NewHome());
        await using var first = Start(firstHome);
        await using var second = Start(secondHome);
        await first.WaitForLineAsync("Ctrl-C stops the system.");
        await second.WaitForLineAsync("Ctrl-C stops the system.");
        var (ofFirst, ofSecond) = (ReadEndpoints(firstHome), ReadEndpoints(secondHome));
        Assert.Equal(2, ofFirst["worker"].Pids.Count);
        Assert.NotEqual(ofFirst["api"].Url, ofSecond["api"].Url);
        Assert.All(Pids(ofSecond), id => Assert.DoesNotContain(id, Pids(ofFirst)));

        await first.SignalAsync(AppHostProcess.Interrupt);

        Assert.Equal(0, await first.WaitForExitAsync());
        await Eventually.GoneAsync(TimeSpan.Zero, Pids(ofFirst));
        Assert.False(File.Exists(Path.Combine(firstHome, SystemWatch.EndpointsFile)));
        Assert.True(await Eventually.IsRunningAsync(ofSecond["api"].Pids[0]));

        await second.SignalAsync("KILL");
        await second.WaitForExitAsync();

        await Eventually.GoneAsync(EndLimit, Pids(ofSecond));
    }

    [Fact]
    public async Task SameHome_Twice_IsRefusedWithTheHolder()
    {
        var home = NewHome();
        await using var first = Start(home);
        await first.WaitForLineAsync("ready: redis");

        await using var second = Start(home);

        Assert.Equal(1, await second.WaitForExitAsync());
        Assert.Contains($"A system already runs on {home} (process {first.Id})", second.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ApiPort_Taken_IsNamedWithItsHolderAndVariable()
    {
        using var holder = new TcpListener(IPAddress.Loopback, 0);
        holder.Start();
        var port = ((IPEndPoint)holder.LocalEndpoint).Port;

        await using var appHost = Start(NewHome(), ("API_PORT", $"{port}"));

        Assert.Equal(1, await appHost.WaitForExitAsync());
        Assert.Contains($"Port {port}, meant for the API, is taken by process {Environment.ProcessId}", appHost.Output, StringComparison.Ordinal);
        Assert.Contains("API_PORT", appHost.Output, StringComparison.Ordinal);
    }

    private static AppHostProcess Start(string home, params (string Name, string Value)[] more)
    {
        var environment = AppHostSettings.PortVariables.ToDictionary(name => name, _ => "0");
        environment[AppHostSettings.HomeVariable] = home;
        foreach (var (name, value) in more)
        {
            environment[name] = value;
        }

        return AppHostProcess.Start([], environment);
    }

    private static SortedDictionary<string, EndpointEntry> ReadEndpoints(string home) =>
        JsonSerializer.Deserialize(File.ReadAllText(Path.Combine(home, SystemWatch.EndpointsFile)), EndpointsJson.Default.SortedDictionaryStringEndpointEntry)!;

    private static int[] Pids(SortedDictionary<string, EndpointEntry> endpoints) => [.. endpoints.Values.SelectMany(entry => entry.Pids)];

    private string NewHome()
    {
        homes.Add(Path.Combine(Path.GetTempPath(), $"llmworkflow-test-{Guid.CreateVersion7():N}"));
        return homes[^1];
    }
}
