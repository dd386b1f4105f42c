using LlmWorkflow.Engine.Costs;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace LlmWorkflow.Engine.Providers.Gate;

/// <summary>Registrations of this folder.</summary>
internal static class GateRegistrations
{
    /// <summary>Adds the gate of the fleet.</summary>
    /// <param name="services">The host's.</param>
    /// <param name="workers">Gives the number of live workers; null: 1.</param>
    public static IServiceCollection AddFleetGate(this IServiceCollection services, Func<IServiceProvider, Func<int>>? workers = null)
    {
        services.TryAddSingleton<IProviderGate>(provider => new FleetProviderGate(
            provider.GetRequiredService<IConnectionMultiplexer>(),
            provider.GetRequiredService<EngineOptions>().RedisPrefix,
            provider.GetRequiredService<Func<SpendLimits>>(),
            workers?.Invoke(provider) ?? (static () => 1),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<Random>(),
            provider.GetRequiredService<ILogger<FleetProviderGate>>()));
        return services;
    }

    /// <summary>Adds the gate of a run without servers.</summary>
    public static IServiceCollection AddLocalGate(this IServiceCollection services)
    {
        services.TryAddSingleton<IProviderGate>(static provider => new LocalProviderGate(
            provider.GetRequiredService<Func<SpendLimits>>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<Random>(),
            provider.GetRequiredService<ILogger<LocalProviderGate>>()));
        return services;
    }
}
