using System.Globalization;
using LlmWorkflow.ServiceDefaults;
using LlmWorkflow.Simulator.Anthropic;
using LlmWorkflow.Simulator.Completions;
using LlmWorkflow.Simulator.Control;
using LlmWorkflow.Simulator.Example;
using LlmWorkflow.Simulator.Ledger;
using LlmWorkflow.Simulator.OpenAi;
using LlmWorkflow.Simulator.OpenRouter;
using LlmWorkflow.Simulator.Places;
using LlmWorkflow.Simulator.Services;
using LlmWorkflow.Simulator.Weather;
using LlmWorkflow.Simulator.Webhooks;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace LlmWorkflow.Simulator;

/// <summary>
/// Composes the simulator: an HTTP stand-in for the upstreams, each under its own base path, with a control API under
/// <c>/_control</c>. It listens on loopback, on <c>SIMULATOR_PORT</c> (default 8900) unless <c>--urls</c> or <c>ASPNETCORE_URLS</c> is given.
/// </summary>
internal static class SimulatorHost
{
    public const int DefaultPort = 8900;

    /// <summary>Builds the application; the caller starts it (tests with <c>--urls http://127.0.0.1:0</c>).</summary>
    /// <exception cref="InvalidOperationException"><c>SIMULATOR_PORT</c> is not a port.</exception>
    public static WebApplication Create(params string[] args)
    {
        var builder = WebApplication.CreateSlimBuilder(args);
        if (string.IsNullOrEmpty(builder.Configuration[WebHostDefaults.ServerUrlsKey]))
        {
            builder.WebHost.UseUrls($"http://127.0.0.1:{Port(builder.Configuration["SIMULATOR_PORT"])}");
        }

        builder.AddServiceDefaults();
        // Its lines hold whole URLs, and some upstreams take the key in the query.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.Warning);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.AddServerHeader = false);
        // A simulated reply may take minutes; nobody waits for it when the system stops.
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(1));
        builder.Services.Configure<JsonOptions>(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, SimulatorJson.Wire));
        AddServices(builder.Services);

        var app = builder.Build();
        MapEndpoints(app);
        return app;
    }

    private static void AddServices(IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<BehaviorBook>();
        services.AddSingleton<CallLedger>();
        services.AddSingleton<HoldBook>();
        services.AddSingleton<PromptCache>();
        services.AddSingleton<ChatUpstream>();
        services.AddSingleton<OpenRouterProtocol>();
        services.AddSingleton<OpenAiProtocol>();
        services.AddSingleton<AnthropicProtocol>();
        services.AddSingleton<ServiceUpstream>();
        services.AddSingleton<PlacesProtocol>();
        services.AddSingleton<WeatherProtocol>();
        services.AddSingleton<ExampleProtocol>();
        services.AddSingleton<WebhookInboxes>();
    }

    private static void MapEndpoints(WebApplication app)
    {
        app.MapGet("/health", () => TypedResults.Json(new HealthView(Ok: true, Status: "healthy"), SimulatorJson.Wire.HealthView));
        app.MapDefaultEndpoints();
        app.MapOpenRouter();
        app.MapOpenAi();
        app.MapAnthropic();
        app.MapService<PlacesProtocol>();
        app.MapService<WeatherProtocol>();
        app.MapService<ExampleProtocol>();
        app.MapBehavior();
        app.MapHolds();
        app.MapLedger();
        app.MapPromptCache();
        app.MapWebhookInboxes();
    }

    private static int Port(string? setting) => setting switch
    {
        null or "" => DefaultPort,
        _ when int.TryParse(setting, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port <= ushort.MaxValue => port,
        _ => throw new InvalidOperationException($"SIMULATOR_PORT must be a port from 0 to {ushort.MaxValue}, not '{setting}'."),
    };
}

internal sealed record HealthView(bool Ok, string Status);
