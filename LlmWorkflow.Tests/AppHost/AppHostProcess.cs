using System.Diagnostics;
using System.Globalization;
using System.Threading.Channels;
using LlmWorkflow.AppHost.Servers;

namespace LlmWorkflow.Tests.AppHost;

/// <summary>The AppHost as a process of its own, to be signalled and killed.</summary>
internal sealed class AppHostProcess : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);
    private readonly Channel<string> lines = Channel.CreateUnbounded<string>();
    private readonly Process process;

    private AppHostProcess(Process process)
    {
        this.process = process;
        process.OutputDataReceived += (_, line) => Add(line.Data);
        process.ErrorDataReceived += (_, line) => Add(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>The signal of Ctrl-C; TERM where this process was started with INT ignored (as a background job of a shell), which its children inherit.</summary>
    public static string Interrupt { get; } = IgnoresInterrupt() ? "TERM" : "INT";

    public int Id => process.Id;

    public string Output { get; private set; } = "";

    public static AppHostProcess Start(IEnumerable<string> args, IReadOnlyDictionary<string, string>? environment = null)
    {
        var assembly = typeof(ServerCommand).Assembly.Location;
        var start = new ProcessStartInfo("dotnet", ["exec", assembly, .. args]) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        return new AppHostProcess(Process.Start(start)!);
    }

    /// <summary>The next line that contains the text; fails with all output when the process ends without one.</summary>
    public async Task<string> WaitForLineAsync(string text)
    {
        using var limit = new CancellationTokenSource(Limit);
        await foreach (var line in lines.Reader.ReadAllAsync(limit.Token))
        {
            if (line.Contains(text, StringComparison.Ordinal))
            {
                return line;
            }
        }

        throw new InvalidOperationException($"No line with '{text}' in:\n{Output}");
    }

    public async Task SignalAsync(string signal) =>
        await ToolCommand.RunAsync("kill", ["-s", signal, Id.ToString(CultureInfo.InvariantCulture)], CancellationToken.None);

    public async Task<int> WaitForExitAsync()
    {
        await process.WaitForExitAsync().WaitAsync(Limit);
        return process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            await SignalAsync("TERM");
            await WaitForExitAsync();
        }

        process.Dispose();
    }

    private static bool IgnoresInterrupt()
    {
        const string ignored = "SigIgn:";
        const int interrupt = 1 << 1;
        var line = File.Exists("/proc/self/status") ? File.ReadLines("/proc/self/status").FirstOrDefault(l => l.StartsWith(ignored, StringComparison.Ordinal)) : null;
        return line is not null && (ulong.Parse(line.AsSpan(ignored.Length).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture) & interrupt) != 0;
    }

    private void Add(string? line)
    {
        if (line is null)
        {
            // Both streams end; the second end finds the channel complete.
            if (process.HasExited)
            {
                lines.Writer.TryComplete();
            }

            return;
        }

        Output += line + "\n";
        lines.Writer.TryWrite(line);
    }
}
