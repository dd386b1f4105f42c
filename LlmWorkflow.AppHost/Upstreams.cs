using Microsoft.Extensions.Configuration;

namespace LlmWorkflow.AppHost;

/// <summary>The services outside that the simulator can stand in for.</summary>
internal static class Upstream
{
    public static IReadOnlyList<SimulatedUpstream> All => SimulatedUpstream.All;

    /// <summary>Those with neither a key nor an address of their own.</summary>
    public static IReadOnlyList<SimulatedUpstream> Simulated(IConfiguration configuration) =>
        [.. All.Where(upstream => upstream.KeyVariables.Append(upstream.BaseUrlVariable).All(name => AppHostSettings.Given(configuration, name) is null))];
}
