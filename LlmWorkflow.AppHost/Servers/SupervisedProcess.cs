using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace LlmWorkflow.AppHost.Servers;

/// <summary>How a <see cref="SupervisedProcess"/> is started and ended.</summary>
internal sealed record SupervisedProcessOptions
{
    /// <summary>Program and arguments.</summary>
    public required IReadOnlyList<string> Command { get; init; }

    /// <summary>Added to the environment of this process.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    public string WorkingDirectory { get; init; } = "/";

    /// <summary>The signal that asks for an orderly end.</summary>
    public string StopSignal { get; init; } = "TERM";

    /// <summary>From the stop signal to SIGKILL.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Removed, with all in it, when this process ends without having stopped the child. For servers of tests.</summary>
    public string? TemporaryDirectory { get; init; }

    /// <summary>Called with each line of output, from any thread.</summary>
    public Action<string> OnLine { get; init; } = _ => { };
}

/// <summary>
/// A child process that never outlives this one, even when this one is killed: a small shell holds the other end of a pipe and ends the
/// child at its end of file. (A parent-death signal would fire when the thread that started the child ends.) It runs in a session of its own,
/// so that Ctrl-C in a terminal reaches only this process.
/// </summary>
internal sealed partial class SupervisedProcess : IAsyncDisposable
{
    // The child's id is its first line of output. Descriptor 3 is the pipe; the child must not hold it. A line before the end of file
    // says that this process is alive and wants the child stopped. What the child itself started, and the watcher (unless it has
    // files to remove), end with the group.
    private const string Supervisor = """
        signal=$1 ticks=$2 temporary=$3; shift 3
        exec 3<&0 </dev/null
        /bin/sh -c 'echo "$$"; exec "$@"' sh "$@" 3<&- &
        child=$!
        (
          orphaned=yes
          while read -r _ <&3; do orphaned=; done
          [ -z "$orphaned" ] || trap '' TERM
          kill -s "$signal" "$child"
          while [ "$ticks" -gt 0 ] && kill -0 "$child"; do sleep 0.1; ticks=$((ticks - 1)); done
          kill -s KILL "$child"
          [ -z "$orphaned" ] || [ -z "$temporary" ] || rm -rf -- "$temporary"
        ) >/dev/null 2>&1 &
        exec 3<&-
        wait "$child"
        code=$?
        trap '' TERM
        kill -s TERM -- "-$$" 2>/dev/null
        exit "$code"
        """;

    private readonly Process shell;
    private readonly Task pumps;

    private SupervisedProcess(Process shell, int id, Task pumps)
    {
        (this.shell, Id, this.pumps) = (shell, id, pumps);
        Completion = CompleteAsync();
    }

    /// <summary>The process id of the child itself.</summary>
    public int Id { get; }

    /// <summary>Ends with the exit code (128 + n after signal n) once the child is gone.</summary>
    public Task<int> Completion { get; }

    public static async Task<SupervisedProcess> StartAsync(SupervisedProcessOptions options, CancellationToken cancellationToken)
    {
        var ticks = (int)Math.Ceiling(options.Grace.TotalSeconds * 10);
        string[] supervisor =
        [
            "/bin/sh", "-c", Supervisor, "supervisor", options.StopSignal, ticks.ToString(CultureInfo.InvariantCulture),
            options.TemporaryDirectory ?? "", .. DroppedByShells(options.Environment), .. options.Command,
        ];
        string[] command = [.. NewSession(), .. supervisor];
        var start = new ProcessStartInfo(command[0], command.Skip(1))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = options.WorkingDirectory,
        };
        foreach (var (name, value) in options.Environment)
        {
            start.Environment[name] = value;
        }

        var process = new Process { StartInfo = start };
        process.Start();
        var first = await process.StandardOutput.ReadLineAsync(cancellationToken);
        if (!int.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out var id))
        {
            var error = await process.StandardError.ReadToEndAsync(cancellationToken);
            process.Dispose();
            throw new InvalidOperationException($"Cannot start {options.Command[0]}: {first} {error}".Trim());
        }

        var pumps = Task.WhenAll(PumpAsync(process.StandardOutput, options.OnLine), PumpAsync(process.StandardError, options.OnLine));
        return new SupervisedProcess(process, id, pumps);
    }

    /// <summary>Asks the child to end, kills it after its grace, and returns when it is gone.</summary>
    public async Task<int> StopAsync()
    {
        CloseLifeline();
        return await Completion;
    }

    /// <summary>SIGKILL, at once.</summary>
    public async Task KillAsync()
    {
        if (!Completion.IsCompleted)
        {
            await ToolCommand.RunAsync("kill", ["-s", "KILL", Id.ToString(CultureInfo.InvariantCulture)], CancellationToken.None);
        }

        await Completion;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        shell.Dispose();
    }

    private void CloseLifeline()
    {
        try
        {
            shell.StandardInput.WriteLine();
            shell.StandardInput.Close();
        }
        catch (Exception exception) when (exception is IOException or InvalidOperationException)
        {
            // The supervisor has gone before; so has its child.
        }
    }

    private async Task<int> CompleteAsync()
    {
        await shell.WaitForExitAsync();
        // What the child wrote last is worth a moment; a stray descendant that holds the pipe is not worth waiting for.
        await Task.WhenAny(pumps, Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System));
        return shell.ExitCode;
    }

    private static async Task PumpAsync(StreamReader reader, Action<string> onLine)
    {
        try
        {
            while (await reader.ReadLineAsync() is { } line)
            {
                onLine(line);
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            // The pipe ended with the process.
        }
    }

    // Some shells keep only variables that they could have named themselves; the others travel as arguments of env.
    private static string[] DroppedByShells(IReadOnlyDictionary<string, string> environment)
    {
        string[] dropped = [.. environment.Where(variable => !ShellName().IsMatch(variable.Key)).Select(variable => $"{variable.Key}={variable.Value}")];
        return dropped.Length == 0 ? [] : [ServerBinaries.FindProgram("env") ?? "env", .. dropped];
    }

    [GeneratedRegex("^[A-Za-z_][A-Za-z0-9_]*$")]
    private static partial Regex ShellName();

    private static string[] NewSession() =>
        ServerBinaries.FindProgram("setsid") is { } setsid ? [setsid]
        : ServerBinaries.FindProgram("perl") is { } perl ? [perl, "-MPOSIX", "-e", "POSIX::setsid(); exec @ARGV or die $!"]
        : [];
}
