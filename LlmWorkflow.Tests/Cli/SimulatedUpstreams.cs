using LlmWorkflow.Simulator;
using Microsoft.AspNetCore.Builder;

namespace LlmWorkflow.Tests.Cli;

/// <summary>The simulator in this process, for a call of the command line.</summary>
internal sealed class SimulatedUpstreams : IAsyncDisposable
{
    /// <summary>What all upstreams take as their key; must never be seen anywhere.</summary>
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
        call.Environment["WEATHERAPI_BASE_URL"] = $"{_simulator.Urls.First()}/weatherapi/v1";
        call.Environment["WEATHERAPI_API_KEY"] = Key;
        call.Environment["HTTP_EXAMPLE_BASE_URL"] = $"{_simulator.Urls.First()}/example/v1";
        call.Environment["HTTP_EXAMPLE_API_KEY"] = Key;
    }

    /// <summary>Sets the simulator's behavior.</summary>
    public async Task BehaveAsync(string behavior)
    {
        using var client = Client();
        using var body = new StringContent(behavior);
        (await client.PutAsync("/_control/behavior", body)).EnsureSuccessStatusCode();
    }

    /// <summary>Waits until a call is held.</summary>
    public async Task HeldAsync()
    {
        using var client = Client();
        Assert.Contains("\"reached\":true", await client.GetStringAsync("/_control/holds?count=1&timeout_ms=60000"), StringComparison.Ordinal);
    }

    private HttpClient Client() => new(new SocketsHttpHandler(), disposeHandler: true) { BaseAddress = new Uri(_simulator.Urls.First()) };

    public async ValueTask DisposeAsync()
    {
        await _simulator.StopAsync();
        await _simulator.DisposeAsync();
    }
}
