using System.Globalization;
using System.Runtime.InteropServices;
using LlmWorkflow.AppHost.Servers;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace LlmWorkflow.AppHost.Local;

/// <summary>Turns a resource of the model into its instances: commands, environment, ports, health checks.</summary>
internal sealed class InstancePlanner(string home, string? otlpEndpoint, HealthCheckService healthChecks, IHttpClientFactory http)
{
    private static readonly TimeSpan HealthTimeout = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan ProjectGrace = TimeSpan.FromSeconds(15);

    public static string DotnetPath()
    {
        // shared/Microsoft.NETCore.App/<version>/ lies three levels under the dotnet that runs this.
        var candidate = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../..", OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet"));
        return File.Exists(candidate) ? candidate : "dotnet";
    }

    public IEnumerable<InstancePlan> Plan(Resource resource, Func<string, ResourceLog> logOf) => resource switch
    {
        ServerResource server => [PlanServer(server, logOf(server.Name))],
        ProcessResource process => Enumerable.Range(0, process.Replicas).Select(replica => PlanProcess(process, replica, logOf)),
        _ => [new InstancePlan { Resource = resource, Id = resource.Name, IsHealthyAsync = KeyedChecks(resource) }],
    };

    public static string InstanceId(ProcessResource process, int replica) =>
        process.Replicas == 1 ? process.Name : string.Create(CultureInfo.InvariantCulture, $"{process.Name}-{replica + 1}");

    private InstancePlan PlanServer(ServerResource server, ResourceLog log)
    {
        var options = new LocalServerOptions { Directory = Path.Combine(home, server.Name), Port = server.RequestedPort, OnLine = log.Line };
        return new InstancePlan
        {
            Resource = server,
            Id = server.Name,
            StartAsync = cancellationToken => server.StartAsync(options, cancellationToken),
            IsHealthyAsync = KeyedChecks(server),
        };
    }

    private InstancePlan PlanProcess(ProcessResource process, int replica, Func<string, ResourceLog> logOf)
    {
        var id = InstanceId(process, replica);
        var log = logOf(id);
        foreach (var endpoint in process.Endpoints)
        {
            endpoint.AllocatedPorts.Add(endpoint.Port is { } fixedPort and > 0 ? fixedPort : LoopbackPort.FindFree());
        }

        return new InstancePlan
        {
            Resource = process,
            Id = id,
            StartAsync = cancellationToken => StartAsync(process, replica, log, cancellationToken),
            IsHealthyAsync = process.HttpHealthChecks.Count > 0 ? cancellationToken => AnswersAsync(process, replica, cancellationToken) : KeyedChecks(process),
            Urls = [.. process.Endpoints.Select(endpoint => new UrlSnapshot(endpoint.Name, endpoint.Url(replica), IsInternal: false))],
        };
    }

    private async Task<RunningInstance> StartAsync(
        ProcessResource process, int replica, ResourceLog log, CancellationToken cancellationToken)
    {
        var arguments = new CommandLineArgsCallbackContext();
        foreach (var callback in process.ArgsCallbacks)
        {
            await callback(arguments);
        }

        List<string> command = [.. process.Command];
        foreach (var argument in arguments.Args)
        {
            command.Add(await TextAsync(argument, cancellationToken));
        }

        var started = await SupervisedProcess.StartAsync(
            new SupervisedProcessOptions
            {
                Command = command,
                WorkingDirectory = process.WorkingDirectory,
                Environment = await EnvironmentAsync(process, replica, cancellationToken),
                Grace = ProjectGrace,
                OnLine = log.Line,
            },
            cancellationToken);
        return new RunningInstance(started.Id, started.Completion, () => started.DisposeAsync().AsTask());
    }

    private async Task<Dictionary<string, string>> EnvironmentAsync(
        ProcessResource process, int replica, CancellationToken cancellationToken)
    {
        var context = new EnvironmentCallbackContext(cancellationToken);
        var variables = context.EnvironmentVariables;
        if (process.Endpoints.Where(endpoint => endpoint.IsHttp).ToList() is { Count: > 0 } endpoints)
        {
            variables["ASPNETCORE_URLS"] = string.Join(';', endpoints.Select(endpoint => endpoint.Url(replica)));
        }

        variables["OTEL_SERVICE_NAME"] = process.Name;
        // The dashboard shows name and instance joined: worker-1.
        variables["OTEL_RESOURCE_ATTRIBUTES"] = $"service.instance.id={replica + 1}";
        if (otlpEndpoint is not null)
        {
            variables["OTEL_EXPORTER_OTLP_ENDPOINT"] = otlpEndpoint;
            variables["OTEL_EXPORTER_OTLP_PROTOCOL"] = "grpc";
            // Milliseconds: a developer who looks wants to see what just happened.
            variables["OTEL_BSP_SCHEDULE_DELAY"] = "1000";
            variables["OTEL_BLRP_SCHEDULE_DELAY"] = "1000";
            variables["OTEL_METRIC_EXPORT_INTERVAL"] = "5000";
        }

        foreach (var callback in process.EnvironmentCallbacks)
        {
            await callback(context);
        }

        var environment = new Dictionary<string, string>();
        foreach (var (name, value) in variables)
        {
            environment[name] = await TextAsync(value, cancellationToken);
        }

        return environment;
    }

    private async Task<bool> AnswersAsync(ProcessResource process, int replica, CancellationToken cancellationToken)
    {
        using var client = http.CreateClient(nameof(InstancePlanner));
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(HealthTimeout);
        foreach (var check in process.HttpHealthChecks)
        {
            var endpoint = process.Endpoints.Find(candidate => candidate.Name == check.EndpointName)
                ?? throw new InvalidOperationException($"The health check of '{process.Name}' names the endpoint '{check.EndpointName}', which it has not.");
            try
            {
                using var answer = await client.GetAsync(new Uri(endpoint.Url(replica) + check.Path), HttpCompletionOption.ResponseHeadersRead, limit.Token);
                if (check.StatusCode is { } expected && (int)answer.StatusCode != expected)
                {
                    return false;
                }
            }
            catch (Exception exception) when (exception is HttpRequestException || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                return false;
            }
        }

        return true;
    }

    private Func<CancellationToken, Task<bool>>? KeyedChecks(Resource resource) =>
        resource.HealthCheckKeys.Count == 0
            ? null
            : async cancellationToken =>
                (await healthChecks.CheckHealthAsync(check => resource.HealthCheckKeys.Contains(check.Name), cancellationToken)).Status == HealthStatus.Healthy;

    private static async ValueTask<string> TextAsync(object value, CancellationToken cancellationToken) =>
        value is IValueProvider provider ? await provider.GetValueAsync(cancellationToken) ?? "" : value.ToString() ?? "";
}
