using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using LlmWorkflow.ServiceDefaults;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;
using StackExchange.Redis;

namespace LlmWorkflow.Tests.ServiceDefaults;

public sealed class WorkflowStoresTests
{
    [Fact]
    public async Task Start_BothStoresAway_StartsAndFailsFast()
    {
        using var host = Build("redis://127.0.0.1:1", "postgres://u:p@127.0.0.1:1/d");
        var clock = Stopwatch.StartNew();
        await host.StartAsync();

        var redis = host.Services.GetRequiredService<IConnectionMultiplexer>();
        await Assert.ThrowsAsync<RedisConnectionException>(() => redis.GetDatabase().PingAsync());
        await Assert.ThrowsAsync<NpgsqlException>(async () => await host.Services.GetRequiredService<NpgsqlDataSource>().OpenConnectionAsync());

        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(30), $"took {clock.Elapsed}");
        await host.StopAsync();
    }

    [Fact]
    public async Task Redis_SilentServer_BoundsTheWait()
    {
        // Accepts and never answers: the worst case, a black hole.
        var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        using var host = Build($"redis://127.0.0.1:{((IPEndPoint)silent.LocalEndpoint).Port}", "Host=127.0.0.1");
        var clock = Stopwatch.StartNew();

        Assert.NotNull(host.Services.GetRequiredService<IConnectionMultiplexer>());

        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(30), $"took {clock.Elapsed}");
        silent.Stop();
        await host.StopAsync();
    }

    [Fact]
    public async Task Redis_ComesLater_IsFoundWithoutARestart()
    {
        var port = FreePort();
        using var host = Build($"redis://127.0.0.1:{port}", "Host=127.0.0.1");
        var redis = host.Services.GetRequiredService<IConnectionMultiplexer>();
        Assert.False(redis.IsConnected);

        using var server = Process.Start(new ProcessStartInfo("redis-server")
        {
            ArgumentList = { "--port", port.ToString(CultureInfo.InvariantCulture), "--save", "", "--appendonly", "no", "--bind", "127.0.0.1" },
            RedirectStandardOutput = true,
        });
        Assert.NotNull(server);
        try
        {
            Assert.True(await ConnectsAsync(redis, TimeSpan.FromMinutes(1)));
        }
        finally
        {
            server.Kill();
            await server.WaitForExitAsync();
        }
    }

    private static async Task<bool> ConnectsAsync(IConnectionMultiplexer redis, TimeSpan limit)
    {
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < limit)
        {
            try
            {
                await redis.GetDatabase().PingAsync();
                return true;
            }
            catch (Exception exception) when (exception is RedisException or TimeoutException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, CancellationToken.None);
            }
        }

        return false;
    }

    private static int FreePort()
    {
        var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        var port = ((IPEndPoint)probe.LocalEndpoint).Port;
        probe.Stop();
        return port;
    }

    private static IHost Build(string redis, string database)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection([new("REDIS_URL", redis), new("DATABASE_URL", database)]);
        builder.AddServiceDefaults().AddWorkflowStores();
        builder.Settings().ThrowIfAny();
        return builder.Build();
    }
}
