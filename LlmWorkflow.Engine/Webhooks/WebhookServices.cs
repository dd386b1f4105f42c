using LlmWorkflow.Engine.ExternalServices;
using LlmWorkflow.Engine.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace LlmWorkflow.Engine.Webhooks;

/// <summary>Registration of this folder.</summary>
internal static class WebhookServices
{
    /// <summary>Adds <see cref="WebhookDelivery"/> and what it needs; <see cref="Database"/>, options and logging come from elsewhere.</summary>
    public static IServiceCollection AddWebhooks(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(_ => new DestinationGuard());
        services.TryAddSingleton<WebhookStore>();
        services.TryAddSingleton(p => new SecretBox(p.GetRequiredService<IOptions<EngineOptions>>().Value));
        services.TryAddSingleton(p => new WebhookDelivery(
            p.GetRequiredService<WebhookStore>(),
            p.GetRequiredService<SecretBox>(),
            p.GetRequiredService<DestinationGuard>(),
            p.GetRequiredService<IOptions<EngineOptions>>().Value,
            p.GetRequiredService<TimeProvider>(),
            p.GetRequiredService<ILogger<WebhookDelivery>>()));
        return services;
    }
}
