using Microsoft.Extensions.DependencyInjection;

namespace LlmWorkflow.AppHost.Local;

/// <summary>A builder for tests: the model of AppHost.cs, on free ports, with a home directory of its own, without the dashboard.</summary>
internal interface IDistributedApplicationTestingBuilder : IDistributedApplicationBuilder, IAsyncDisposable
{
    Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken = default);
}

internal static class DistributedApplicationTestingBuilder
{
    /// <summary>The entry point can only be this AppHost: there is no other.</summary>
    public static Task<IDistributedApplicationTestingBuilder> CreateAsync<TEntryPoint>(
        string[] args, CancellationToken cancellationToken = default)
        where TEntryPoint : IProjectMetadata
    {
        var builder = new TestingBuilder(args);
        builder.AddLlmWorkflow();
        return Task.FromResult<IDistributedApplicationTestingBuilder>(builder);
    }

    public static Task<IDistributedApplicationTestingBuilder> CreateAsync<TEntryPoint>(CancellationToken cancellationToken = default)
        where TEntryPoint : IProjectMetadata => CreateAsync<TEntryPoint>([], cancellationToken);

    /// <summary>An empty model.</summary>
    public static IDistributedApplicationTestingBuilder Create(params string[] args) => new TestingBuilder(args);

    private sealed class TestingBuilder : DistributedApplicationBuilder, IDistributedApplicationTestingBuilder
    {
        private readonly string? temporaryHome;
        private DistributedApplication? application;

        public TestingBuilder(string[] args)
            : base(new DistributedApplicationOptions { DisableDashboard = true })
        {
            foreach (var port in AppHostSettings.PortVariables)
            {
                Configuration[port] = "0";
            }

            temporaryHome = Path.Combine(Path.GetTempPath(), $"llmworkflow-{Guid.CreateVersion7():N}");
            Configuration[AppHostSettings.HomeVariable] = temporaryHome;
            foreach (var (name, value) in args.Select(Parse))
            {
                Configuration[name] = value;
            }

            if (Configuration[AppHostSettings.HomeVariable] != temporaryHome)
            {
                temporaryHome = null;
            }
        }

        public Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken = default)
        {
            application = Build();
            return Task.FromResult(application);
        }

        public async ValueTask DisposeAsync()
        {
            if (application is not null)
            {
                await application.StopAsync();
                await application.DisposeAsync();
            }

            if (temporaryHome is not null && Directory.Exists(temporaryHome))
            {
                Directory.Delete(temporaryHome, recursive: true);
            }
        }

        private static (string Name, string Value) Parse(string argument) =>
            argument.TrimStart('-').Split('=', 2) is [var name, var value]
                ? (name, value)
                : throw new ArgumentException($"'{argument}' is not of the form --NAME=value.", nameof(argument));
    }
}

/// <summary>Reaching the resources of a running system.</summary>
internal static class DistributedApplicationHostingTestingExtensions
{
    public static HttpClient CreateHttpClient(this DistributedApplication app, string resourceName, string? endpointName = null)
    {
        var client = app.Services.GetRequiredService<IHttpClientFactory>().CreateClient();
        client.BaseAddress = app.GetEndpoint(resourceName, endpointName);
        return client;
    }

    public static Uri GetEndpoint(this DistributedApplication app, string resourceName, string? endpointName = null) =>
        new(new EndpointReference(app.Find<ProcessResource>(resourceName), endpointName ?? "http").Url);

    public static ValueTask<string?> GetConnectionStringAsync(
        this DistributedApplication app, string resourceName, CancellationToken cancellationToken = default) =>
        app.Find<IResourceWithConnectionString>(resourceName).GetConnectionStringAsync(cancellationToken);

    private static T Find<T>(this DistributedApplication app, string name)
        where T : IResource =>
        app.Services.GetRequiredService<ResourceCollection>().OfType<T>().FirstOrDefault(resource => resource.Name == name)
        ?? throw new ArgumentException($"There is no resource '{name}' of the kind asked for.", nameof(name));
}
