using System.Globalization;

namespace LlmWorkflow.AppHost.Local;

/// <summary>What can be said of a resource.</summary>
internal static class ResourceBuilderExtensions
{
    public static IResourceBuilder<T> WithEnvironment<T>(this IResourceBuilder<T> builder, string name, string? value)
        where T : IResourceWithEnvironment => builder.AddValue(name, value ?? "");

    public static IResourceBuilder<T> WithEnvironment<T>(this IResourceBuilder<T> builder, string name, ReferenceExpression value)
        where T : IResourceWithEnvironment => builder.AddValue(name, value);

    public static IResourceBuilder<T> WithEnvironment<T>(this IResourceBuilder<T> builder, string name, EndpointReference value)
        where T : IResourceWithEnvironment => builder.AddValue(name, value);

    public static IResourceBuilder<T> WithEnvironment<T>(this IResourceBuilder<T> builder, string name, IResourceBuilder<ParameterResource> parameter)
        where T : IResourceWithEnvironment => builder.AddValue(name, parameter.Resource);

    public static IResourceBuilder<T> WithEnvironment<T>(this IResourceBuilder<T> builder, Action<EnvironmentCallbackContext> callback)
        where T : IResourceWithEnvironment
    {
        builder.Process().EnvironmentCallbacks.Add(context =>
        {
            callback(context);
            return Task.CompletedTask;
        });
        return builder;
    }

    public static IResourceBuilder<T> WithArgs<T>(this IResourceBuilder<T> builder, Action<CommandLineArgsCallbackContext> callback)
        where T : IResourceWithArgs
    {
        builder.Process().ArgsCallbacks.Add(context =>
        {
            callback(context);
            return Task.CompletedTask;
        });
        return builder;
    }

    /// <summary>Injects <c>ConnectionStrings__{name}</c> and <c>{NAME}_HOST</c>, <c>_PORT</c>, <c>_URI</c> and so on.</summary>
    public static IResourceBuilder<T> WithReference<T>(this IResourceBuilder<T> builder, IResourceBuilder<IResourceWithConnectionString> source)
        where T : IResourceWithEnvironment
    {
        var resource = source.Resource;
        builder.AddValue("ConnectionStrings__" + resource.Name, resource);
        foreach (var (key, value) in resource.GetConnectionProperties())
        {
            builder.AddValue($"{EnvironmentName(resource.Name)}_{key}", value);
        }

        return builder;
    }

    /// <summary>Injects <c>services__{name}__{endpoint}__0</c> for each endpoint.</summary>
    public static IResourceBuilder<T> WithReference<T>(this IResourceBuilder<T> builder, IResourceBuilder<IResourceWithServiceDiscovery> source)
        where T : IResourceWithEnvironment
    {
        var owner = source.Process();
        return builder.WithEnvironment(context =>
        {
            foreach (var endpoint in owner.Endpoints)
            {
                context.EnvironmentVariables[$"services__{owner.Name}__{endpoint.Name}__0"] = new EndpointReference(owner, endpoint.Name);
            }
        });
    }

    public static IResourceBuilder<T> WithEndpoint<T>(
        this IResourceBuilder<T> builder, int? port = null, string? scheme = null, string? name = null, bool? isProxied = null)
        where T : IResourceWithEndpoints
    {
        _ = isProxied; // Nothing is proxied here.
        var endpoint = new EndpointAnnotation { Name = name ?? scheme ?? "tcp", UriScheme = scheme ?? "tcp", Port = port };
        builder.Process().Endpoints.Add(endpoint);
        return builder;
    }

    public static IResourceBuilder<T> WithHttpEndpoint<T>(this IResourceBuilder<T> builder, int? port = null, string? name = null)
        where T : IResourceWithEndpoints => builder.WithEndpoint(port, "http", name ?? "http");

    public static IResourceBuilder<T> WithExternalHttpEndpoints<T>(this IResourceBuilder<T> builder)
        where T : IResourceWithEndpoints
    {
        foreach (var endpoint in builder.Process().Endpoints.Where(endpoint => endpoint.IsHttp))
        {
            endpoint.IsExternal = true;
        }

        return builder;
    }

    public static EndpointReference GetEndpoint<T>(this IResourceBuilder<T> builder, string name)
        where T : IResourceWithEndpoints => new(builder.Process(), name);

    /// <summary>Healthy when GET answers with <paramref name="statusCode"/>, by default 200.</summary>
    public static IResourceBuilder<T> WithHttpHealthCheck<T>(
        this IResourceBuilder<T> builder, string? path = null, int? statusCode = null, string? endpointName = null)
        where T : IResourceWithEndpoints
    {
        builder.Process().HttpHealthChecks.Add(new HttpHealthCheck(endpointName ?? "http", path ?? "/", statusCode ?? 200));
        return builder;
    }

    /// <summary>Adds a health check of the service collection by its name.</summary>
    public static IResourceBuilder<T> WithHealthCheck<T>(this IResourceBuilder<T> builder, string key)
        where T : IResource
    {
        builder.Local().HealthCheckKeys.Add(key);
        return builder;
    }

    public static IResourceBuilder<T> WaitFor<T>(this IResourceBuilder<T> builder, IResourceBuilder<IResource> dependency)
        where T : IResourceWithWaitSupport
    {
        builder.Local().WaitsFor.Add(dependency.Local());
        return builder;
    }

    public static IResourceBuilder<ProjectResource> WithReplicas(this IResourceBuilder<ProjectResource> builder, int replicas)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(replicas);
        builder.Resource.Replicas = replicas;
        return builder;
    }

    private static IResourceBuilder<T> AddValue<T>(this IResourceBuilder<T> builder, string name, object value)
        where T : IResourceWithEnvironment => builder.WithEnvironment(context => context.EnvironmentVariables[name] = value);

    private static Resource Local<T>(this IResourceBuilder<T> builder)
        where T : IResource => (Resource)(IResource)builder.Resource;

    private static ProcessResource Process<T>(this IResourceBuilder<T> builder)
        where T : IResource => (ProcessResource)(IResource)builder.Resource;

    private static string EnvironmentName(string name) => name.ToUpper(CultureInfo.InvariantCulture).Replace('-', '_');
}
