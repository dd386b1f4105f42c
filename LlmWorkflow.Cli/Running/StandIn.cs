namespace LlmWorkflow.Cli.Running;

/// <summary>What stands in for upstreams without a key.</summary>
internal static class StandIn
{
    /// <summary>
    /// In development, starts the simulator for them and says so. Null when it is not needed, or cannot be: then some are still
    /// <see cref="UpstreamSettings.Keyless"/>.
    /// </summary>
    /// <exception cref="CliException">It does not start.</exception>
    public static async Task<SimulatorProcess?> StartAsync(CliHost host, UpstreamSettings upstreams, CancellationToken cancellationToken)
    {
        if (upstreams.Keyless is not { Count: > 0 } keyless || !IsDevelopment(host) || !keyless.All(upstreams.CanBeSimulated) || SimulatorProcess.Find() is not { } program)
        {
            return null;
        }

        await host.Error.WriteLineAsync($"Simulated, no key is set: {string.Join(", ", keyless.Select(upstream => $"{upstream.Name} ({upstream.KeyVariables[0]})"))}".AsMemory(), cancellationToken);
        var simulator = await SimulatorProcess.StartAsync(program, host.Time, cancellationToken);
        upstreams.Simulate(simulator.Address);
        return simulator;
    }

    /// <summary>Whether the environment says nothing else.</summary>
    public static bool IsDevelopment(CliHost host) =>
        (host.Environment("ENVIRONMENT") ?? host.Environment("DOTNET_ENVIRONMENT") ?? "Development").Equals("Development", StringComparison.OrdinalIgnoreCase);
}
