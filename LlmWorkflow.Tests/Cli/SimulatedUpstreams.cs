using LlmWorkflow.Simulator;
using Microsoft.AspNetCore.Builder;

namespace LlmWorkflow.Tests.Cli;

/// <summary>The simulator in this process, for a call of the command line.</summary>
internal sealed class SimulatedUpstreams : IAsyncDisposable
{
    /// <summary>What both upstreams take as their key; must never be seen anywhere.</summary>
    public const string Key = "upstream-key-to-be-kept-secret";

    private readonly WebApplication _simulator;

    private SimulatedUpstreams(WebApplication simulator) => _simulator = simulator;

    public static async Task<SimulatedUpstreams> StartAsync()
    {
        var simulator = SimulatorHost.Create("--urls", "http://127.0.0.1:0", "--Logging:LogLevel:Default", "Error");
        await simulator.StartAsync();
        return new(simulator);
    }

    public void Give(CliCall call)
    {
        call.Environment["OPENROUTER_BASE_URL"] = $"{_simulator.Urls.First()}/openrouter/api/v1";
        call.Environment["OPENROUTER_API_KEY"] = Key;
        call.Environment["GOOGLE_PLACES_BASE_URL"] = $"{_simulator.Urls.First()}/places";
        call.Environment["GOOGLE_SERVICES_API_KEY"] = Key;
    }

    public async ValueTask DisposeAsync()
    {
        await _simulator.StopAsync();
        await _simulator.DisposeAsync();
    }
}
