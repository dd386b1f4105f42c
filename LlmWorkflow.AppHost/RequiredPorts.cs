using System.Globalization;
using LlmWorkflow.AppHost.Servers;
using Microsoft.Extensions.Configuration;

namespace LlmWorkflow.AppHost;

/// <summary>Looks, before anything starts, whether the fixed ports are free.</summary>
internal static class RequiredPorts
{
    // A predecessor that was killed may still be giving its ports back.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);

    /// <exception cref="AppHostException">Names each port that is taken, who may hold it, and the variable that changes it.</exception>
    public static async Task CheckAsync(AppHostSettings settings, IConfiguration configuration, CancellationToken cancellationToken)
    {
        List<(int Port, string Owner, string Variable)> ports =
        [
            (settings.ApiPort, "the API", "API_PORT"),
            (settings.AspireDashboardPort, "the Aspire dashboard", "ASPIRE_DASHBOARD_PORT"),
        ];
        if (Upstream.Simulated(configuration).Count > 0)
        {
            ports.Add((settings.SimulatorPort, "the simulator", "SIMULATOR_PORT"));
        }

        if (settings.DatabaseUrl is null)
        {
            ports.Add((settings.PostgresPort, "Postgres", "POSTGRES_PORT"));
        }

        if (settings.RedisUrl is null)
        {
            ports.Add((settings.RedisPort, "Redis", "REDIS_PORT"));
        }

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (File.Exists(Path.Combine(AppHostSettings.Home(configuration), SystemWatch.EndpointsFile)))
        {
            patience.CancelAfter(Patience);
        }
        else
        {
            await patience.CancelAsync();
        }

        List<string> taken = [];
        foreach (var (port, owner, variable) in ports.Where(candidate => candidate.Port != 0))
        {
            while (!LoopbackPort.IsFree(port) && !patience.IsCancellationRequested)
            {
                await Task.Delay(Poll, TimeProvider.System, cancellationToken);
            }

            if (!LoopbackPort.IsFree(port))
            {
                var holder = await PortHolder.DescribeAsync(port, cancellationToken) ?? "another process";
                taken.Add(string.Create(CultureInfo.InvariantCulture, $"Port {port}, meant for {owner}, is taken by {holder}. Stop it, or set {variable} to another port (0: any)."));
            }
        }

        if (taken.Count > 0)
        {
            throw new AppHostException(string.Join('\n', taken));
        }
    }
}
