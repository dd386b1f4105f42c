using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace LlmWorkflow.Cli.Running;

/// <summary>
/// The simulator as a child process for the time of one run. It never outlives this process, even a killed one: a small shell holds the other end of a pipe
/// and ends the child at its end of file. Ctrl-C reaches only this process, which still needs the simulator while it stops its calls.
/// </summary>
internal sealed class SimulatorProcess : IAsyncDisposable
{
    // A shell without job control starts its background jobs with the interrupt ignored; .NET leaves it so. The trap keeps the shell itself.
    private const string Supervisor = """
        trap '' INT
        exec 3<&0 </dev/null
        "$@" >/dev/null 2>&1 3<&- &
        child=$!
        ( while read -r _ <&3; do :; done; kill "$child"; sleep 3; kill -9 "$child" ) >/dev/null 2>&1 &
        watcher=$!
        exec 3<&-
        wait "$child"
        kill -9 "$watcher" 2>/dev/null
        """;

    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly Process _process;

    private SimulatorProcess(Process process, Uri address) => (_process, Address) = (process, address);

    /// <summary>Where it listens.</summary>
    public Uri Address { get; }

    /// <summary>The simulator's program, built beside this one in a checkout of the repository; null: this is an installed tool, or it is not built.</summary>
    public static string? Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "LlmWorkflow.sln")))
            {
                var output = Path.Combine(folder.FullName, "LlmWorkflow.Simulator", "bin");
                return !Directory.Exists(output) ? null : Directory.EnumerateFiles(output, "LlmWorkflow.Simulator.dll", SearchOption.AllDirectories)
                    .Where(file => File.Exists(Path.ChangeExtension(file, ".runtimeconfig.json")))
                    .MaxBy(File.GetLastWriteTimeUtc);
            }
        }

        return null;
    }

    /// <summary>Starts it and waits until it answers.</summary>
    /// <exception cref="CliException">It does not start.</exception>
    public static async Task<SimulatorProcess> StartAsync(string program, TimeProvider time, CancellationToken cancellationToken)
    {
        var address = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{FreePort()}"));
        string[] command = [System.Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet", program, "--urls", address.AbsoluteUri];
        var simulator = new SimulatorProcess(Start(command), address);
        try
        {
            await simulator.WaitAsync(time, cancellationToken);
            return simulator;
        }
        catch
        {
            await simulator.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        try
        {
            _process.StandardInput.Close();
            if (OperatingSystem.IsWindows())
            {
                _process.Kill(entireProcessTree: true);
            }
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            // It has ended before.
        }

        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private static Process Start(string[] command)
    {
        string[] whole = OperatingSystem.IsWindows() ? command : ["/bin/sh", "-c", Supervisor, "supervisor", .. command];
        var process = new Process { StartInfo = new(whole[0], whole.Skip(1)) { RedirectStandardInput = true, UseShellExecute = false } };
        process.Start();
        return process;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private async Task WaitAsync(TimeProvider time, CancellationToken cancellationToken)
    {
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false, ActivityHeadersPropagator = null }, disposeHandler: true) { Timeout = TimeSpan.FromSeconds(5) };
        var started = time.GetTimestamp();
        while (!await AnswersAsync(client, cancellationToken))
        {
            if (_process.HasExited || time.GetElapsedTime(started) > StartTimeout)
            {
                throw new CliException("the simulator does not start. Set the keys of the services, or look at 'dotnet run --project LlmWorkflow.Simulator'.", ExitCodes.Failure);
            }

            await Task.Delay(Pause, time, cancellationToken);
        }
    }

    private async Task<bool> AnswersAsync(HttpClient client, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await client.GetAsync(new Uri(Address, "/health"), cancellationToken);
            return response.IsSuccessStatusCode;
        }
        catch (Exception e) when (e is HttpRequestException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return false;
        }
    }
}
