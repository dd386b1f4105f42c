using System.Diagnostics;
using LlmWorkflow.ServiceDefaults.Telemetry;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace LlmWorkflow.ServiceDefaults;

/// <summary>Registers Postgres and Redis. Neither has to be up: the process starts without them and finds them when they come.</summary>
public static class WorkflowStores
{
    /// <summary>
    /// Registers <see cref="NpgsqlDataSource"/> and <c>StackExchange.Redis.IConnectionMultiplexer</c> as singletons, from <c>DATABASE_URL</c> or
    /// <c>ConnectionStrings:llmworkflow</c> and from <c>REDIS_URL</c> or <c>ConnectionStrings:redis</c>. What is wrong with them goes to <see cref="Extensions.Settings"/>.
    /// </summary>
    public static TBuilder AddWorkflowStores<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        var settings = builder.Settings();
        AddPostgres(builder, settings);
        if (RedisSettings.Read(settings, builder.Environment.ApplicationName) is { } redis)
        {
            Integrations.AddRedis(builder, redis);
        }

        return builder;
    }

    private static void AddPostgres(IHostApplicationBuilder builder, SettingsReader settings)
    {
        var preferIPv4 = settings.Flag("DATABASE_PREFER_IPV4");
        if (PostgresSettings.Read(settings, builder.Environment.ApplicationName, builder.Environment.IsDevelopment()) is { } connection)
        {
            builder.Services.AddSingleton(services => DataSource(connection, preferIPv4, services.GetRequiredService<ILoggerFactory>()));
        }
    }

    private static NpgsqlDataSource DataSource(NpgsqlConnectionStringBuilder connection, bool preferIPv4, ILoggerFactory loggers)
    {
        var source = new NpgsqlDataSourceBuilder(preferIPv4 ? PostgresSettings.PreferIPv4(connection) : connection.ConnectionString)
        {
            // The pool's name in metrics; by default it is the connection string.
            Name = "llmworkflow",
        };
        source.UseLoggerFactory(loggers);
        if (preferIPv4 && connection.Host is { } host && !host.Contains(',', StringComparison.Ordinal))
        {
            // The certificate names the host, not its address.
            source.UseSslClientAuthenticationOptionsCallback(options => options.TargetHost = host);
        }

        // Polls of the housekeeping loops would drown the traces: only what happens inside a trace is part of one.
        source.ConfigureTracing(tracing => tracing
            .ConfigureCommandFilter(static _ => Activity.Current is not null)
            .ConfigureBatchFilter(static _ => Activity.Current is not null)
            .ConfigureCopyOperationFilter(static _ => Activity.Current is not null)
            .ConfigureCommandSpanNameProvider(static command => SqlSpanName.Of(command.CommandText))
            .EnablePhysicalOpenTracing(false));
        return source.Build();
    }
}
