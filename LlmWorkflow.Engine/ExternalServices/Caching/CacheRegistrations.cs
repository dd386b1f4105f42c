using LlmWorkflow.Engine.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace LlmWorkflow.Engine.ExternalServices.Caching;

/// <summary>Registrations of this folder.</summary>
internal static class CacheRegistrations
{
    /// <summary>Adds the fleet's cache, and what operators and housekeeping do with it. Call it before the services are added.</summary>
    public static IServiceCollection AddFleetCache(this IServiceCollection services)
    {
        services.TryAddSingleton(static provider => new ResponseCache(
            provider.GetRequiredService<IConnectionMultiplexer>(),
            provider.GetRequiredService<EngineOptions>().RedisPrefix,
            provider.GetRequiredService<Database>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<ResponseCache>>()));
        services.TryAddSingleton<ReplyTable>();
        services.TryAddSingleton<ReplyCleaner>();
        services.TryAddSingleton(static provider => new CacheAdministration(
            provider.GetRequiredService<ResponseCache>(), provider.GetRequiredService<ServiceCatalog>()));
        return services;
    }

    /// <summary>Adds the cache of a run without servers, unless there is one.</summary>
    public static IServiceCollection AddLocalCache(this IServiceCollection services)
    {
        services.TryAddSingleton(static provider => new ResponseCache(
            provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<ResponseCache>>()));
        return services;
    }
}
