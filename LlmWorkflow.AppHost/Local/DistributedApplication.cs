using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace LlmWorkflow.AppHost.Local;

internal sealed class DistributedApplicationOptions
{
    public string[]? Args { get; set; }

    public bool DisableDashboard { get; set; }

    /// <summary>Copy the services' output to the console.</summary>
    public bool EnableResourceLogging { get; set; }

    // Everything is plain HTTP on the loopback interface here.
    public bool AllowUnsecuredTransport { get; set; }
}

internal sealed class ResourceCollection : List<IResource>;

/// <summary>Always a run: publishing is Aspire's.</summary>
internal sealed class DistributedApplicationExecutionContext
{
    public bool IsRunMode => true;

    public bool IsPublishMode => false;
}

internal interface IDistributedApplicationBuilder
{
    ConfigurationManager Configuration { get; }

    IServiceCollection Services { get; }

    string AppHostDirectory { get; }

    DistributedApplicationExecutionContext ExecutionContext { get; }

    ResourceCollection Resources { get; }

    IResourceBuilder<T> AddResource<T>(T resource)
        where T : IResource;

    IResourceBuilder<T> CreateResourceBuilder<T>(T resource)
        where T : IResource;

    DistributedApplication Build();
}

internal class DistributedApplicationBuilder : IDistributedApplicationBuilder
{
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(60);
    private readonly HostApplicationBuilder host;

    public DistributedApplicationBuilder(DistributedApplicationOptions options)
    {
        host = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { Args = options.Args, ContentRootPath = AppHostDirectory });
        host.Logging.SetMinimumLevel(LogLevel.Warning);
        Services.Configure<HostOptions>(host => host.ShutdownTimeout = StopLimit);
        Services.AddHttpClient(nameof(InstancePlanner)).ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler { AllowAutoRedirect = false }).RemoveAllLoggers();
        Services.AddHealthChecks();
        Services.TryAddSingleton(TimeProvider.System);
        Services.AddSingleton(options);
        Services.AddSingleton(Resources);
        Services.AddSingleton<ResourceNotificationService>();
        Services.AddHostedService<Orchestrator>();
    }

    public ConfigurationManager Configuration => host.Configuration;

    public IServiceCollection Services => host.Services;

    public string AppHostDirectory { get; } = Path.GetDirectoryName(new Projects.LlmWorkflow_AppHost().ProjectPath)!;

    public DistributedApplicationExecutionContext ExecutionContext { get; } = new();

    public ResourceCollection Resources { get; } = [];

    public IResourceBuilder<T> AddResource<T>(T resource)
        where T : IResource
    {
        if (Resources.Exists(other => string.Equals(other.Name, resource.Name, StringComparison.OrdinalIgnoreCase)))
        {
            throw new InvalidOperationException($"There are two resources named '{resource.Name}'.");
        }

        Resources.Add(resource);
        return CreateResourceBuilder(resource);
    }

    public IResourceBuilder<T> CreateResourceBuilder<T>(T resource)
        where T : IResource => new ResourceBuilder<T>(this, resource);

    public DistributedApplication Build() => new(host.Build());
}

/// <summary>The running system.</summary>
internal sealed class DistributedApplication(IHost host) : IHost, IAsyncDisposable
{
    public IServiceProvider Services => host.Services;

    public ResourceNotificationService ResourceNotifications => Services.GetRequiredService<ResourceNotificationService>();

    public static IDistributedApplicationBuilder CreateBuilder(string[] args) => CreateBuilder(new DistributedApplicationOptions { Args = args });

    public static IDistributedApplicationBuilder CreateBuilder(DistributedApplicationOptions options) => new DistributedApplicationBuilder(options);

    public Task StartAsync(CancellationToken cancellationToken = default) => host.StartAsync(cancellationToken);

    public Task RunAsync(CancellationToken cancellationToken = default) => host.RunAsync(cancellationToken);

    public Task StopAsync(CancellationToken cancellationToken = default) => host.StopAsync(cancellationToken);

    public void Dispose() => host.Dispose();

    public async ValueTask DisposeAsync()
    {
        if (host is IAsyncDisposable disposable)
        {
            await disposable.DisposeAsync();
        }
    }
}
