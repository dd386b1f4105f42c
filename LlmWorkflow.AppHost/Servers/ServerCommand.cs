using System.Globalization;
using System.Runtime.InteropServices;

namespace LlmWorkflow.AppHost.Servers;

/// <summary>
/// <c>server postgres|redis --directory D --port N [--database NAME] [--ephemeral]</c>: runs one local server in the foreground until
/// SIGTERM or Ctrl-C. This is how Aspire runs them as executables where there is no container engine.
/// </summary>
internal static class ServerCommand
{
    private const string Usage = "Usage: server postgres|redis --directory DIRECTORY [--port PORT] [--database NAME] [--ephemeral]";

    /// <summary>0 after a requested end, 1 when the server could not be started or ended by itself, 2 for a wrong command line.</summary>
    public static async Task<int> RunAsync(IReadOnlyList<string> args)
    {
        if (args is not ["postgres" or "redis", ..] || Option(args, "--directory") is not { } directory)
        {
            await Console.Error.WriteLineAsync(Usage);
            return 2;
        }

        using var stop = new CancellationTokenSource();
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Cancel);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Cancel);
        var options = new LocalServerOptions
        {
            Directory = directory,
            Port = Option(args, "--port") is { } port ? int.Parse(port, CultureInfo.InvariantCulture) : null,
            Ephemeral = args.Contains("--ephemeral"),
            OnLine = Console.WriteLine,
        };
        try
        {
            return args[0] == "postgres"
                ? await RunPostgresAsync(options, Option(args, "--database"), stop.Token)
                : await RunRedisAsync(options, stop.Token);
        }
        catch (OperationCanceledException)
        {
            return 0;
        }
        catch (ServerUnavailableException exception)
        {
            await Console.Error.WriteLineAsync(exception.Message);
            return 1;
        }

        void Cancel(PosixSignalContext context)
        {
            context.Cancel = true;
            stop.Cancel();
        }
    }

    private static async Task<int> RunPostgresAsync(LocalServerOptions options, string? database, CancellationToken stop)
    {
        await using var server = await PostgresServer.StartAsync(options, stop);
        if (database is not null)
        {
            await server.EnsureDatabaseAsync(database, stop);
        }

        Console.WriteLine($"ready: postgres {server.ProcessId} on port {server.Port}");
        await server.Completion.WaitAsync(stop);
        return 1;
    }

    private static async Task<int> RunRedisAsync(LocalServerOptions options, CancellationToken stop)
    {
        await using var server = await RedisServer.StartAsync(options, stop);
        Console.WriteLine($"ready: redis {server.ProcessId} on port {server.Port}");
        await server.Completion.WaitAsync(stop);
        return 1;
    }

    private static string? Option(IReadOnlyList<string> args, string name)
    {
        for (var i = 0; i < args.Count - 1; i++)
        {
            if (args[i] == name)
            {
                return args[i + 1];
            }
        }

        return null;
    }
}
