using Microsoft.Extensions.Configuration;

namespace LlmWorkflow.AppHost;

/// <summary>A service outside that the simulator can stand in for.</summary>
/// <param name="Name">As in health and logs.</param>
/// <param name="BaseUrlVariable">Says where the engine finds it.</param>
/// <param name="SimulatorPath">Its path in the simulator.</param>
/// <param name="KeyVariables">Any of them holds the key; the first is the name the simulated key gets.</param>
internal sealed record Upstream(string Name, string BaseUrlVariable, string SimulatorPath, params IReadOnlyList<string> KeyVariables)
{
    /// <summary>One line per service.</summary>
    public static readonly IReadOnlyList<Upstream> All =
    [
        new("openrouter", "OPENROUTER_BASE_URL", "/openrouter/api/v1", "OPENROUTER_API_KEY"),
        new("google_places", "GOOGLE_PLACES_BASE_URL", "/places", "GOOGLE_SERVICES_API_KEY", "GOOGLE_PLACES_API_KEY"),
    ];

    /// <summary>Those with neither a key nor an address of their own.</summary>
    public static IReadOnlyList<Upstream> Simulated(IConfiguration configuration) =>
        [.. All.Where(upstream => upstream.KeyVariables.Append(upstream.BaseUrlVariable).All(name => AppHostSettings.Given(configuration, name) is null))];
}
