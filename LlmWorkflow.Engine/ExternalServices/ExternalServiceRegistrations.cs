using System.Net;
using LlmWorkflow.Engine.ExternalServices.Caching;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace LlmWorkflow.Engine.ExternalServices;

/// <summary>Registrations of this folder.</summary>
internal static class ExternalServiceRegistrations
{
    /// <summary>Name of the HTTP client for base URLs that stand in a service's file, and redirects to other hosts: public addresses only.</summary>
    public const string PublicHttpClientName = "llmworkflow.services";

    /// <summary>Name of the HTTP client for base URLs that the operator set by a variable, and services that may lead to private addresses: any address.</summary>
    public const string TrustedHttpClientName = "llmworkflow.services.trusted";

    /// <summary>How long making a connection may take.</summary>
    public static TimeSpan ConnectTimeout { get; } = TimeSpan.FromSeconds(10);

    /// <summary>Adds the external services. Needs <see cref="EngineOptions"/> and <see cref="TimeProvider"/>.</summary>
    public static IServiceCollection AddExternalServices(this IServiceCollection services)
    {
        services.TryAddSingleton(static _ => new DestinationGuard());
        services.TryAddSingleton<ServiceCatalog>();
        services.TryAddSingleton<ReplyCheck>(static _ => ReplyReader.Check);
        services.TryAddSingleton<ServiceSender>();
        services.TryAddSingleton<ServiceExchange>();
        services.TryAddSingleton(static provider => new ServicePages(provider.GetRequiredService<ServiceExchange>().AskAsync));
        services.AddLocalCache();
        services.TryAddSingleton<ServiceCaller>();
        AddClient(services, TrustedHttpClientName, static _ => Sockets());
        AddClient(services, PublicHttpClientName, static provider =>
        {
            var sockets = Sockets();
            sockets.ConnectCallback = provider.GetRequiredService<DestinationGuard>().ConnectCallback(static () => false);
            return sockets;
        });
        return services;
    }

    // No retries, no redirects, no service names: retries are the engine's, and URLs with a key in them reach no log.
    private static void AddClient(IServiceCollection services, string name, Func<IServiceProvider, HttpMessageHandler> handler) =>
        services.AddHttpClient(name)
            .ConfigureHttpClient(static client => client.Timeout = Timeout.InfiniteTimeSpan)
            .ConfigureAdditionalHttpMessageHandlers(static (handlers, _) => handlers.Clear())
            .RemoveAllLoggers()
            .SetHandlerLifetime(Timeout.InfiniteTimeSpan)
            .ConfigurePrimaryHttpMessageHandler(handler);

    private static SocketsHttpHandler Sockets() => new()
    {
        AllowAutoRedirect = false,
        // A proxy would resolve names by itself, and see the keys of http services. A base URL from its variable can lead to a gateway.
        UseProxy = false,
        PlaintextStreamFilter = static (context, _) => ValueTask.FromResult<Stream>(new UnrepeatedStream(context.PlaintextStream)),
        UseCookies = false,
        AutomaticDecompression = DecompressionMethods.All,
        ConnectTimeout = ConnectTimeout,
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        MaxConnectionsPerServer = int.MaxValue,
        ResponseDrainTimeout = TimeSpan.FromMilliseconds(100),
    };
}
