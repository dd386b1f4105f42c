using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace LlmWorkflow.Engine.Providers;

/// <summary>Registrations of this folder.</summary>
internal static class ProviderRegistrations
{
    /// <summary>Name of the HTTP client of model calls.</summary>
    public const string HttpClientName = "llmworkflow.providers";

    /// <summary>Adds the providers. Needs <see cref="EngineOptions"/>, <see cref="Costs.ICallLedger"/>, a function to the current <see cref="Costs.PriceBook"/> and <see cref="TimeProvider"/>.</summary>
    public static IServiceCollection AddProviders(this IServiceCollection services)
    {
        services.AddHttpClient(HttpClientName)
            // A call that costs money is retried by the engine alone; time limits are the caller's, who can tell them apart.
            .ConfigureHttpClient(static client => client.Timeout = Timeout.InfiniteTimeSpan)
            .ConfigureAdditionalHttpMessageHandlers(static (handlers, _) => handlers.Clear())
            .RemoveAllLoggers()
            .SetHandlerLifetime(Timeout.InfiniteTimeSpan)
            .ConfigurePrimaryHttpMessageHandler(static () => new SocketsHttpHandler
            {
                AllowAutoRedirect = false,
                UseCookies = false,
                ConnectTimeout = TimeSpan.FromSeconds(10),
                PooledConnectionLifetime = TimeSpan.FromMinutes(5),
                MaxConnectionsPerServer = int.MaxValue,
                EnableMultipleHttp2Connections = true,
                KeepAlivePingDelay = TimeSpan.FromSeconds(30),
                KeepAlivePingTimeout = TimeSpan.FromSeconds(15),
                // Long enough to keep the connection of a stream that has just ended, short enough to close that of a cancelled one.
                ResponseDrainTimeout = TimeSpan.FromMilliseconds(100),
            });
        // Those of settings first: a registration of the host's own under the same name wins.
        services.TryAddSingleton(static provider => new ChatClientRegistry(
        [
            .. ConfiguredProviders.All(
                provider.GetRequiredService<EngineOptions>(), provider.GetRequiredService<IHttpClientFactory>(),
                provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILoggerFactory>()),
            .. provider.GetServices<ChatClientRegistration>(),
        ]));
        services.TryAddSingleton<LlmCaller>();
        return services;
    }
}
