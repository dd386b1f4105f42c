using System.Globalization;
using LlmWorkflow.AppHost.Servers;

namespace LlmWorkflow.AppHost.Local;

/// <summary>A server that runs from the machine's own binaries, its data under the home directory.</summary>
internal abstract class ServerResource(string name, int? port) : Resource(name), IResourceWithConnectionString, IResourceWithWaitSupport
{
    public int? RequestedPort { get; } = port;

    public abstract ReferenceExpression ConnectionStringExpression { get; }

    /// <summary>Starts the server, ready for use.</summary>
    public abstract Task<RunningInstance> StartAsync(LocalServerOptions options, CancellationToken cancellationToken);

    public abstract IEnumerable<KeyValuePair<string, ReferenceExpression>> GetConnectionProperties();
}

/// <summary>A value that the running server tells.</summary>
internal sealed class ServerValue(string resource, Func<string?> read) : IValueProvider
{
    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default) =>
        new(read() ?? throw new InvalidOperationException($"'{resource}' has not started yet; the resource that uses it must wait for it."));
}

internal sealed class PostgresServerResource(string name, int? port) : ServerResource(name, port)
{
    private PostgresServer? server;

    public List<PostgresDatabaseResource> Databases { get; } = [];

    public override ReferenceExpression ConnectionStringExpression =>
        ReferenceExpression.Create($"Host=127.0.0.1;Port={Port};Username={PostgresServer.UserName};Password={Password}");

    private ServerValue Port => new(Name, () => server?.Port.ToString(CultureInfo.InvariantCulture));

    private ServerValue Password => new(Name, () => server?.Password);

    public override async Task<RunningInstance> StartAsync(LocalServerOptions options, CancellationToken cancellationToken)
    {
        if (server is null)
        {
            server = await PostgresServer.StartAsync(options, cancellationToken);
        }
        else
        {
            await server.StartAsync(cancellationToken);
        }

        foreach (var database in Databases)
        {
            await server.EnsureDatabaseAsync(database.DatabaseName, cancellationToken);
        }

        return new RunningInstance(server.ProcessId, server.Completion, server.StopAsync);
    }

    public override IEnumerable<KeyValuePair<string, ReferenceExpression>> GetConnectionProperties() =>
    [
        new("HOST", ReferenceExpression.Create($"127.0.0.1")),
        new("PORT", ReferenceExpression.Create($"{Port}")),
        new("USERNAME", ReferenceExpression.Create($"{PostgresServer.UserName}")),
        new("PASSWORD", ReferenceExpression.Create($"{Password}")),
        new("URI", Uri("")),
    ];

    internal ReferenceExpression Uri(string path) =>
        ReferenceExpression.Create($"postgresql://{PostgresServer.UserName}:{Password}@127.0.0.1:{Port}{path}");
}

internal sealed class PostgresDatabaseResource(string name, string databaseName, PostgresServerResource parent)
    : Resource(name), IResourceWithConnectionString, IResourceWithWaitSupport
{
    public string DatabaseName { get; } = databaseName;

    public PostgresServerResource Parent { get; } = parent;

    public ReferenceExpression ConnectionStringExpression =>
        ReferenceExpression.Create($"{Parent.ConnectionStringExpression};Database={DatabaseName}");

    public IEnumerable<KeyValuePair<string, ReferenceExpression>> GetConnectionProperties() =>
    [
        .. Parent.GetConnectionProperties().Where(property => property.Key != "URI"),
        new("DATABASENAME", ReferenceExpression.Create($"{DatabaseName}")),
        new("URI", Parent.Uri("/" + DatabaseName)),
    ];
}

internal sealed class RedisResource(string name, int? port) : ServerResource(name, port)
{
    private RedisServer? server;

    public override ReferenceExpression ConnectionStringExpression => ReferenceExpression.Create($"127.0.0.1:{Port},password={Password}");

    private ServerValue Port => new(Name, () => server?.Port.ToString(CultureInfo.InvariantCulture));

    private ServerValue Password => new(Name, () => server?.Password);

    public override async Task<RunningInstance> StartAsync(LocalServerOptions options, CancellationToken cancellationToken)
    {
        if (server is null)
        {
            server = await RedisServer.StartAsync(options, cancellationToken);
        }
        else
        {
            await server.StartAsync(cancellationToken);
        }

        return new RunningInstance(server.ProcessId, server.Completion, server.StopAsync);
    }

    public override IEnumerable<KeyValuePair<string, ReferenceExpression>> GetConnectionProperties() =>
    [
        new("HOST", ReferenceExpression.Create($"127.0.0.1")),
        new("PORT", ReferenceExpression.Create($"{Port}")),
        new("PASSWORD", ReferenceExpression.Create($"{Password}")),
        new("URI", ReferenceExpression.Create($"redis://:{Password}@127.0.0.1:{Port}")),
    ];
}
