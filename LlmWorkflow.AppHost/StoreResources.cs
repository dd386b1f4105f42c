using LlmWorkflow.AppHost.Servers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace LlmWorkflow.AppHost;

/// <summary>
/// Postgres and Redis for the model: those that DATABASE_URL and REDIS_URL name, else Aspire's containers, else, where there is no container
/// engine, the machine's own binaries as executables. (In the local twin AddPostgres and AddRedis are the machine's binaries already.)
/// </summary>
internal static class StoreResources
{
    public const string DatabaseName = "llmworkflow";
    public const string RedisName = "redis";
    private const string PostgresName = "postgres";

    public static IResourceBuilder<IResourceWithConnectionString> AddDatabase(
        this IDistributedApplicationBuilder builder, AppHostSettings settings, StoreKind kind)
    {
        if (builder.ExecutionContext.IsRunMode && settings.DatabaseUrl is { } url)
        {
            builder.Configuration["ConnectionStrings:" + DatabaseName] = url;
            return builder.AddConnectionString(DatabaseName);
        }

        return kind == StoreKind.Executables
            ? builder.AddPostgresExecutable(settings)
            : builder.AddPostgres(PostgresName, port: AnyWhenZero(settings.PostgresPort)).WithDataVolume().AddDatabase(DatabaseName);
    }

    public static IResourceBuilder<IResourceWithConnectionString> AddRedisStore(
        this IDistributedApplicationBuilder builder, AppHostSettings settings, StoreKind kind)
    {
        if (builder.ExecutionContext.IsRunMode && settings.RedisUrl is { } url)
        {
            builder.Configuration["ConnectionStrings:" + RedisName] = url;
            return builder.AddConnectionString(RedisName);
        }

        return kind == StoreKind.Executables
            ? builder.AddRedisExecutable(settings)
            : builder.AddRedis(RedisName, port: AnyWhenZero(settings.RedisPort)).WithDataVolume();
    }

    private static IResourceBuilder<ConnectionStringResource> AddPostgresExecutable(this IDistributedApplicationBuilder builder, AppHostSettings settings)
    {
        var (server, password) = builder.AddServer(PostgresName, settings.PostgresPort, "--database", DatabaseName);
        var tcp = server.GetEndpoint("tcp");
        var expression = ReferenceExpression.Create(
            $"Host=127.0.0.1;Port={tcp.Property(EndpointProperty.Port)};Username={PostgresServer.UserName};Password={password};Database={DatabaseName}");
        // The database is made after the server's start, so a connection is the proof, not an open port.
        builder.AddCheck("postgres-answers", async cancellationToken => await CanOpenAsync(await expression.GetValueAsync(cancellationToken), cancellationToken));
        server.WithHealthCheck("postgres-answers");
        return builder.AddConnectionString(DatabaseName, expression).WaitFor(server);
    }

    private static IResourceBuilder<ConnectionStringResource> AddRedisExecutable(this IDistributedApplicationBuilder builder, AppHostSettings settings)
    {
        var (server, password) = builder.AddServer("redis-server", settings.RedisPort);
        var tcp = server.GetEndpoint("tcp");
        builder.AddCheck("redis-answers", cancellationToken => LoopbackPort.CanConnectAsync(tcp.Port, cancellationToken));
        server.WithHealthCheck("redis-answers");
        return builder
            .AddConnectionString(RedisName, ReferenceExpression.Create($"127.0.0.1:{tcp.Property(EndpointProperty.Port)},password={password}"))
            .WaitFor(server);
    }

    /// <summary>This program again, as <see cref="ServerCommand"/>.</summary>
    private static (IResourceBuilder<ExecutableResource> Server, IResourceBuilder<ParameterResource> Password) AddServer(
        this IDistributedApplicationBuilder builder, string name, int port, params string[] more)
    {
        var directory = Path.Combine(AppHostSettings.Home(builder.Configuration), name);
        var password = builder.AddParameter(name + "-password", () => ServerPassword.GetOrCreate(directory), secret: true);
        var kind = name == PostgresName ? "postgres" : "redis";
        var server = builder
            .AddExecutable(name, "dotnet", "/", ["exec", typeof(ServerCommand).Assembly.Location, "server", kind, "--directory", directory, .. more])
            .WithEndpoint(port: AnyWhenZero(port), scheme: "tcp", name: "tcp", isProxied: false);
        var tcp = server.GetEndpoint("tcp");
        server.WithArgs(context =>
        {
            context.Args.Add("--port");
            context.Args.Add(tcp.Property(EndpointProperty.TargetPort));
        });
        return (server, password);
    }

    private static async Task<bool> CanOpenAsync(string? connectionString, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(connectionString + ";Pooling=false;Timeout=3");
        try
        {
            await connection.OpenAsync(cancellationToken);
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    private static void AddCheck(this IDistributedApplicationBuilder builder, string key, Func<CancellationToken, Task<bool>> check) =>
        builder.Services.AddHealthChecks().AddAsyncCheck(
            key, async cancellationToken => await check(cancellationToken) ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy());

    private static int? AnyWhenZero(int port) => port == 0 ? null : port;
}

/// <summary>Who runs Postgres and Redis.</summary>
internal enum StoreKind
{
    /// <summary>AddPostgres and AddRedis: containers with Aspire, the machine's binaries with the local twin.</summary>
    Resources,

    /// <summary>The machine's binaries as executable resources.</summary>
    Executables,
}
