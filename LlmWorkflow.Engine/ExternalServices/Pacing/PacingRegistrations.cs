using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace LlmWorkflow.Engine.ExternalServices.Pacing;

/// <summary>Registrations of this folder.</summary>
internal static class PacingRegistrations
{
    /// <summary>Adds the buckets of the fleet.</summary>
    /// <param name="services">The host's.</param>
    /// <param name="workers">Gives the number of live workers; null: 1.</param>
    public static IServiceCollection AddFleetPacing(this IServiceCollection services, Func<IServiceProvider, Func<int>>? workers = null)
    {
        services.TryAddSingleton<IBucketStore>(provider =>
        {
            var time = provider.GetRequiredService<TimeProvider>();
            return new FleetBucketStore(
                new RedisBucketStore(provider.GetRequiredService<IConnectionMultiplexer>(), provider.GetRequiredService<EngineOptions>().RedisPrefix, time),
                workers?.Invoke(provider) ?? (static () => 1),
                time,
                provider.GetRequiredService<ILogger<FleetBucketStore>>());
        });
        services.TryAddSingleton<TokenBucket>();
        return services;
    }

    /// <summary>Adds the buckets of a run without servers.</summary>
    public static IServiceCollection AddLocalPacing(this IServiceCollection services)
    {
        services.TryAddSingleton<IBucketStore>(static provider =>
            new MemoryBucketStore(provider.GetRequiredService<TimeProvider>(), static () => 1, static _ => default));
        services.TryAddSingleton<TokenBucket>();
        return services;
    }
}
