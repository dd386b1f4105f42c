using LlmWorkflow.AppHost;
using LlmWorkflow.AppHost.Servers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

if (args is ["server", .. var serverArguments])
{
    return await ServerCommand.RunAsync(serverArguments);
}

try
{
    var command = AppHostCommand.Parse(args);
    if (command.Help)
    {
        Console.WriteLine(AppHostCommand.Usage);
        return 0;
    }

    return await command.RunAsync();
}
catch (AppHostException exception)
{
    await Console.Error.WriteLineAsync(exception.Message);
    return 1;
}

/// <summary>The system: stores, API, workers, and the simulator for upstreams without a key.</summary>
internal static class LlmWorkflowModel
{
    public static AppHostSettings AddLlmWorkflow(this IDistributedApplicationBuilder builder, StoreKind stores = StoreKind.Resources)
    {
        var configuration = builder.Configuration;
        var settings = AppHostSettings.Read(configuration);
        AppHostSettings.ResolveHome(configuration, builder.AppHostDirectory);

        var database = builder.AddDatabase(settings, stores);
        var redis = builder.AddRedisStore(settings, stores);

        var api = builder.AddService<Projects.LlmWorkflow_Api>("api")
            .WithHttpEndpoint(port: settings.ApiPort == 0 ? null : settings.ApiPort, name: "http")
            .WithExternalHttpEndpoints()
            .WithHttpHealthCheck("/health");

        var worker = builder.AddService<Projects.LlmWorkflow_Worker>("worker")
            .WithHttpEndpoint(name: "http")
            .WithHttpHealthCheck("/health")
            .WithReplicas(settings.Workers);

        foreach (var service in new[] { api, worker })
        {
            service.WithReference(database).WaitFor(database).WithReference(redis).WaitFor(redis);
        }

        if (builder.ExecutionContext.IsPublishMode)
        {
            builder.AddKeys([api, worker], AppHostSettings.WorkflowsDirectory(configuration));
            return settings;
        }

        Dictionary<string, int> expected = new() { ["api"] = 1, ["worker"] = settings.Workers };
        var simulated = Upstream.Simulated(configuration);
        if (simulated.Count > 0)
        {
            builder.AddSimulator(settings, simulated, [api, worker]);
            expected.Add("simulator", 1);
        }

        foreach (var service in new[] { api, worker })
        {
            service
                .WithEnvironment("ENVIRONMENT", "Development")
                .WithEnvironment("WORKFLOWS_DIR", AppHostSettings.WorkflowsDirectory(configuration))
                .WithSettings(configuration);
        }

        builder.Watch(new ExpectedInstances(expected, [.. simulated.Select(upstream => upstream.Name)]));
        return settings;
    }

    /// <summary>Keeps <c>endpoints.json</c>.</summary>
    public static void Watch(this IDistributedApplicationBuilder builder, ExpectedInstances expected)
    {
        builder.Services.AddSingleton(expected);
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<SystemWatch>();
        builder.Services.AddHostedService(services => services.GetRequiredService<SystemWatch>());
    }

    private static IResourceBuilder<ProjectResource> AddService<TProject>(this IDistributedApplicationBuilder builder, string name)
        where TProject : IProjectMetadata, new()
    {
        // Ports and environment are said here, so that they are the same in an IDE, in the CLI and in tests.
        var service = builder.AddProject<TProject>(name, options =>
        {
            options.ExcludeLaunchProfile = true;
            options.ExcludeKestrelEndpoints = true;
        });
        if (builder.ExecutionContext.IsRunMode)
        {
            // A line for each health request would bury the rest.
            service.WithEnvironment("ASPNETCORE_ENVIRONMENT", "Development")
                .WithEnvironment("DOTNET_ENVIRONMENT", "Development")
                .WithEnvironment("Logging__LogLevel__Microsoft.AspNetCore", "Warning");
        }

        return service;
    }

    private static void AddSimulator(
        this IDistributedApplicationBuilder builder, AppHostSettings settings, IReadOnlyList<SimulatedUpstream> simulated, IEnumerable<IResourceBuilder<ProjectResource>> users)
    {
        var simulator = builder.AddService<Projects.LlmWorkflow_Simulator>("simulator")
            .WithHttpEndpoint(port: settings.SimulatorPort == 0 ? null : settings.SimulatorPort, name: "http")
            .WithHttpHealthCheck("/health");
        var url = simulator.GetEndpoint("http").Property(EndpointProperty.Url);
        foreach (var user in users)
        {
            user.WithReference(simulator).WaitFor(simulator).WithEnvironment("SIMULATED_UPSTREAMS", string.Join(',', simulated.Select(upstream => upstream.Name)));
            foreach (var upstream in simulated)
            {
                user.WithEnvironment(upstream.BaseUrlVariable, ReferenceExpression.Create($"{url}{upstream.SimulatorPath}"))
                    .WithEnvironment(upstream.KeyVariables[0], SimulatedUpstream.Key);
            }
        }
    }

    private static void AddKeys(
        this IDistributedApplicationBuilder builder, IReadOnlyList<IResourceBuilder<ProjectResource>> users, string workflows)
    {
        var keys = Upstream.All.Where(upstream => !upstream.IsExample).Select(upstream => upstream.KeyVariables[0])
            .Concat(ServiceSettings.KeysOfFiles(workflows)).Concat(ServiceSettings.Secrets);
        foreach (var name in keys)
        {
            var parameter = builder.AddParameter(name.ToLowerInvariant().Replace('_', '-'), secret: true);
            foreach (var user in users)
            {
                user.WithEnvironment(name, parameter);
            }
        }
    }
}
