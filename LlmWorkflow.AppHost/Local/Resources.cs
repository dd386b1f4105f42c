namespace LlmWorkflow.AppHost.Local;

/// <summary>What the model is made of. The names in this folder are Aspire's, so that AppHost.cs compiles against either.</summary>
internal interface IResource
{
    string Name { get; }
}

internal interface IResourceWithEnvironment : IResource;

internal interface IResourceWithArgs : IResource;

internal interface IResourceWithEndpoints : IResource;

internal interface IResourceWithWaitSupport : IResource;

internal interface IResourceWithServiceDiscovery : IResourceWithEndpoints;

internal interface IResourceWithConnectionString : IResource, IValueProvider
{
    ReferenceExpression ConnectionStringExpression { get; }

    ValueTask<string?> GetConnectionStringAsync(CancellationToken cancellationToken = default) =>
        ConnectionStringExpression.GetValueAsync(cancellationToken);

    ValueTask<string?> IValueProvider.GetValueAsync(CancellationToken cancellationToken) => GetConnectionStringAsync(cancellationToken);

    /// <summary>Injected beside the connection string as <c>{NAME}_{KEY}</c>.</summary>
    IEnumerable<KeyValuePair<string, ReferenceExpression>> GetConnectionProperties() => [];
}

internal interface IProjectMetadata
{
    string ProjectPath { get; }

    /// <summary>The built assembly, which is what is run here.</summary>
    string AssemblyPath { get; }
}

internal abstract class Resource(string name) : IResource
{
    public string Name { get; } = name;

    /// <summary>What must be healthy before this one starts, and must outlive it.</summary>
    public List<Resource> WaitsFor { get; } = [];

    /// <summary>Keys of the health checks in the service collection.</summary>
    public List<string> HealthCheckKeys { get; } = [];
}

/// <summary>Something that runs as one or several child processes.</summary>
internal abstract class ProcessResource(string name)
    : Resource(name), IResourceWithEnvironment, IResourceWithArgs, IResourceWithWaitSupport, IResourceWithServiceDiscovery
{
    public List<Func<EnvironmentCallbackContext, Task>> EnvironmentCallbacks { get; } = [];

    public List<Func<CommandLineArgsCallbackContext, Task>> ArgsCallbacks { get; } = [];

    public List<EndpointAnnotation> Endpoints { get; } = [];

    public List<HttpHealthCheck> HttpHealthChecks { get; } = [];

    public int Replicas { get; set; } = 1;

    /// <summary>Program and fixed arguments.</summary>
    public abstract IReadOnlyList<string> Command { get; }

    public abstract string WorkingDirectory { get; }
}

internal sealed class ProjectResource(string name, IProjectMetadata metadata) : ProcessResource(name)
{
    public override IReadOnlyList<string> Command => [InstancePlanner.DotnetPath(), "exec", metadata.AssemblyPath];

    public override string WorkingDirectory => Path.GetDirectoryName(metadata.ProjectPath)!;
}

internal sealed class ExecutableResource(string name, string command, string workingDirectory, IReadOnlyList<string> arguments) : ProcessResource(name)
{
    public override IReadOnlyList<string> Command { get; } = [command, .. arguments];

    public override string WorkingDirectory => workingDirectory;
}

/// <summary>A value given from outside: <c>Parameters:{name}</c> in the configuration.</summary>
internal sealed class ParameterResource(string name, Func<string> value) : Resource(name), IValueProvider
{
    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default) => new(value());
}

/// <summary>A connection that already exists, or that other resources make up.</summary>
internal sealed class ConnectionStringResource(string name, ReferenceExpression expression)
    : Resource(name), IResourceWithConnectionString, IResourceWithWaitSupport
{
    public ReferenceExpression ConnectionStringExpression { get; } = expression;
}

internal sealed class ProjectResourceOptions
{
    // Launch profiles and Kestrel sections are never read here; with Aspire they would be.
    public bool ExcludeLaunchProfile { get; set; }

    public bool ExcludeKestrelEndpoints { get; set; }
}

internal sealed record HttpHealthCheck(string EndpointName, string Path, int? StatusCode);

internal sealed class EnvironmentCallbackContext(CancellationToken cancellationToken)
{
    /// <summary>Texts and <see cref="IValueProvider"/>s.</summary>
    public Dictionary<string, object> EnvironmentVariables { get; } = [];

    public CancellationToken CancellationToken { get; } = cancellationToken;
}

internal sealed class CommandLineArgsCallbackContext
{
    /// <summary>Texts and <see cref="IValueProvider"/>s.</summary>
    public IList<object> Args { get; } = [];
}
