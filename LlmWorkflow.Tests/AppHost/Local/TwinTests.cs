using LlmWorkflow.AppHost;
using LlmWorkflow.AppHost.Local;
using LlmWorkflow.AppHost.Servers;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace LlmWorkflow.Tests.AppHost.Local;

/// <summary>The local twin of Aspire's hosting, on small shell scripts instead of services.</summary>
public sealed class TwinTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);
    private readonly string scratch = Directory.CreateTempSubdirectory("llmworkflow-test-").FullName;
    private readonly CancellationTokenSource limit = new(Limit);

    public void Dispose()
    {
        limit.Dispose();
        Directory.Delete(scratch, recursive: true);
    }

    [Fact]
    public async Task References_Started_AreInjectedAsAspireDoes()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        var database = builder.AddPostgres("postgres").AddDatabase("llmworkflow");
        var redis = builder.AddRedis("redis");
        var other = Script(builder, "other", "exec sleep 1000").WithHttpEndpoint(name: "http");
        var output = Path.Combine(scratch, "environment");
        Script(builder, "probe", $"env > {output}.new; mv {output}.new {output}; exec sleep 1000")
            .WithHttpEndpoint(name: "http")
            .WithReference(database).WaitFor(database).WithReference(redis).WaitFor(redis)
            .WithReference(other).WaitFor(other)
            .WithEnvironment("PLAIN", "yes")
            .WithEnvironment("COMPOSED", ReferenceExpression.Create($"{other.GetEndpoint("http").Property(EndpointProperty.Url)}/path"));
        var app = await StartAsync(builder);

        await app.ResourceNotifications.WaitForResourceHealthyAsync("probe", limit.Token);
        await Eventually.TrueAsync(() => Task.FromResult(File.Exists(output)), Limit, "the probe's output");

        var environment = (await File.ReadAllLinesAsync(output)).Select(line => line.Split('=', 2)).Where(pair => pair.Length == 2).ToDictionary(pair => pair[0], pair => pair[1]);
        Assert.Equal(await app.GetConnectionStringAsync("llmworkflow"), environment["ConnectionStrings__llmworkflow"]);
        Assert.Matches("^127.0.0.1:[0-9]+,password=[0-9a-f]{32}$", environment["ConnectionStrings__redis"]);
        Assert.StartsWith("postgresql://postgres:", environment["LLMWORKFLOW_URI"], StringComparison.Ordinal);
        Assert.Equal(app.GetEndpoint("other").ToString().TrimEnd('/'), environment["services__other__http__0"]);
        Assert.Equal(environment["services__other__http__0"] + "/path", environment["COMPOSED"]);
        Assert.Equal(app.GetEndpoint("probe").ToString().TrimEnd('/'), environment["ASPNETCORE_URLS"]);
        Assert.Equal("probe", environment["OTEL_SERVICE_NAME"]);
        Assert.Equal("yes", environment["PLAIN"]);
        await using var connection = new NpgsqlConnection(environment["ConnectionStrings__llmworkflow"]);
        await connection.OpenAsync();
    }

    [Fact]
    public async Task Environment_NameThatShellsDrop_ReachesTheProcess()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        builder.AddExecutable("probe", "/usr/bin/env", "/").WithEnvironment("Logging__LogLevel__Some.Name", "Warning");
        await StartAsync(builder);

        var log = Path.Combine(AppHostSettings.Home(builder.Configuration), "logs", "probe.log");
        await Eventually.TrueAsync(() => ContainsAsync(log, "Logging__LogLevel__Some.Name=Warning"), Limit, "the variable in the probe's output");
    }

    [Fact]
    public async Task Process_Killed_IsStartedAgain()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        Script(builder, "service", "exec sleep 1000");
        var app = await StartAsync(builder);
        var first = ProcessId(await app.ResourceNotifications.WaitForResourceHealthyAsync("service", limit.Token));

        await ToolCommand.RunAsync("kill", ["-s", "KILL", $"{first}"], CancellationToken.None);

        var again = await app.ResourceNotifications.WaitForResourceAsync(
            "service", change => IsHealthy(change) && ProcessId(change) != first, limit.Token);
        Assert.True(await Eventually.IsRunningAsync(ProcessId(again)));
    }

    [Fact]
    public async Task Process_KilledWithALongDelay_StaysAway()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create($"--{Orchestrator.RestartDelayKey}=600");
        Script(builder, "service", "exec sleep 1000");
        var app = await StartAsync(builder);
        var id = ProcessId(await app.ResourceNotifications.WaitForResourceHealthyAsync("service", limit.Token));

        await ToolCommand.RunAsync("kill", ["-s", "KILL", $"{id}"], CancellationToken.None);

        var end = await app.ResourceNotifications.WaitForResourceAsync("service", change => change.Snapshot.ExitCode is not null, limit.Token);
        Assert.Equal(128 + 9, end.Snapshot.ExitCode);
        Assert.Contains("starting again in 600 s", await ReadAsync(Path.Combine(AppHostSettings.Home(builder.Configuration), "logs", "service.log")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Redis_Killed_IsStartedAgainOnItsPort()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        builder.AddRedis("redis");
        var app = await StartAsync(builder);
        var first = ProcessId(await app.ResourceNotifications.WaitForResourceHealthyAsync("redis", limit.Token));
        var connection = await app.GetConnectionStringAsync("redis");

        await ToolCommand.RunAsync("kill", ["-s", "KILL", $"{first}"], CancellationToken.None);

        await app.ResourceNotifications.WaitForResourceAsync("redis", change => IsHealthy(change) && ProcessId(change) != first, limit.Token);
        Assert.Equal(connection, await app.GetConnectionStringAsync("redis"));
    }

    [Fact]
    public async Task Process_NeverHealthy_FailsToStartInTheEnd()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        var starts = Path.Combine(scratch, "starts");
        Script(builder, "broken", $"echo x >> {starts}; exit 3").WithHttpEndpoint(name: "http").WithHttpHealthCheck("/health");
        var app = await StartAsync(builder);

        var end = await app.ResourceNotifications.WaitForResourceAsync(
            "broken", change => change.Snapshot.State.Text == KnownResourceStates.FailedToStart, limit.Token);

        Assert.Equal(3, end.Snapshot.ExitCode);
        Assert.Equal(4, (await File.ReadAllLinesAsync(starts)).Length);
    }

    [Fact]
    public async Task Stop_WithDependents_StopsThemFirst()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        var order = Path.Combine(scratch, "order");
        var store = Script(builder, "store", Trap("store"));
        Script(builder, "service", Trap("service")).WaitFor(store);
        var app = await StartAsync(builder);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("service", limit.Token);
        await Eventually.TrueAsync(() => Task.FromResult(Directory.GetFiles(scratch, "*.up").Length == 2), Limit, "both traps");

        await app.StopAsync(limit.Token);

        Assert.Equal(["service", "store"], await File.ReadAllLinesAsync(order));

        string Trap(string name) => $"trap 'echo {name} >> {order}; exit 0' TERM; touch {scratch}/{name}.up; while :; do sleep 0.05; done";
    }

    [Fact]
    public async Task SystemWatch_Complete_WritesEndpointsAndFollowsRestarts()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        var home = AppHostSettings.Home(builder.Configuration);
        Script(builder, "service", "exec sleep 1000").WithHttpEndpoint(name: "http");
        builder.Watch(new ExpectedInstances(new Dictionary<string, int> { ["service"] = 1 }, []));
        var app = await StartAsync(builder);
        var first = ProcessId(await app.ResourceNotifications.WaitForResourceHealthyAsync("service", limit.Token));
        var file = Path.Combine(home, SystemWatch.EndpointsFile);
        await Eventually.TrueAsync(() => ContainsAsync(file, $"{first}"), Limit, "the process in endpoints.json");
        Assert.True(await ContainsAsync(file, $"\"url\": \"{app.GetEndpoint("service").ToString().TrimEnd('/')}\""));

        await ToolCommand.RunAsync("kill", ["-s", "KILL", $"{first}"], CancellationToken.None);
        var again = await app.ResourceNotifications.WaitForResourceAsync("service", change => IsHealthy(change) && ProcessId(change) != first, limit.Token);

        await Eventually.TrueAsync(() => ContainsAsync(file, $"{ProcessId(again)}"), Limit, "the new process in endpoints.json");
        await app.StopAsync(limit.Token);
        Assert.False(File.Exists(file));
    }

    [Fact]
    public async Task StoresAsExecutables_Started_AreReadyWhenHealthy()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        var settings = AppHostSettings.Read(builder.Configuration);
        var database = builder.AddDatabase(settings, StoreKind.Executables);
        var redis = builder.AddRedisStore(settings, StoreKind.Executables);
        Script(builder, "service", "exec sleep 1000").WaitFor(database).WaitFor(redis);
        var app = await StartAsync(builder);

        await app.ResourceNotifications.WaitForResourceHealthyAsync("service", limit.Token);

        await using var connection = new NpgsqlConnection(await app.GetConnectionStringAsync("llmworkflow") + ";Pooling=false");
        await connection.OpenAsync();
        using var multiplexer = await StackExchange.Redis.ConnectionMultiplexer.ConnectAsync((await app.GetConnectionStringAsync("redis"))!);
        Assert.True(multiplexer.IsConnected);
    }

    private static IResourceBuilder<ExecutableResource> Script(IDistributedApplicationBuilder builder, string name, string script) =>
        builder.AddExecutable(name, "/bin/sh", "/", "-c", script);

    private async Task<DistributedApplication> StartAsync(IDistributedApplicationTestingBuilder builder)
    {
        var app = await builder.BuildAsync(limit.Token);
        await app.StartAsync(limit.Token);
        return app;
    }

    private static bool IsHealthy(ResourceEvent change) => change.Snapshot.HealthStatus == HealthStatus.Healthy;

    private static int ProcessId(ResourceEvent change) =>
        (int)(change.Snapshot.Properties.FirstOrDefault(property => property.Name == "executable.pid")?.Value ?? 0);

    private static async Task<bool> ContainsAsync(string path, string text) =>
        File.Exists(path) && (await ReadAsync(path)).Contains(text, StringComparison.Ordinal);

    private static async Task<string> ReadAsync(string path)
    {
        await using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync();
    }
}
