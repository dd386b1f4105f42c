using System.Globalization;
using System.Text.RegularExpressions;

namespace LlmWorkflow.AppHost.Servers;

/// <summary>Finds out which process may hold a port, as far as the system tells.</summary>
internal static partial class PortHolder
{
    /// <summary>"process 123 (command line)", or null when nobody says.</summary>
    public static async Task<string?> DescribeAsync(int port, CancellationToken cancellationToken)
    {
        var id = await FindAsync(port, cancellationToken);
        return id is null ? null : $"process {id} ({CommandOf(id.Value) ?? await PsAsync(id.Value, cancellationToken) ?? "unknown"})";
    }

    /// <summary>The command line of a running process from /proc; null where there is none.</summary>
    public static string? CommandOf(int processId)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{processId.ToString(CultureInfo.InvariantCulture)}/cmdline").Replace('\0', ' ').Trim();
            return text.Length == 0 ? null : text.Length > 120 ? text[..120] + "…" : text;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static async Task<int?> FindAsync(int port, CancellationToken cancellationToken)
    {
        var lsof = await ToolCommand.RunAsync("lsof", ["-nP", $"-iTCP:{port}", "-sTCP:LISTEN", "-t"], cancellationToken);
        if (lsof.ExitCode == 0 && int.TryParse(lsof.Output.Split('\n')[0], NumberStyles.None, CultureInfo.InvariantCulture, out var id))
        {
            return id;
        }

        var ss = await ToolCommand.RunAsync("ss", ["-Hltnp", $"sport = :{port}"], cancellationToken);
        var match = SsPid().Match(ss.Output);
        return match.Success ? int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture) : null;
    }

    private static async Task<string?> PsAsync(int id, CancellationToken cancellationToken)
    {
        var ps = await ToolCommand.RunAsync("ps", ["-p", id.ToString(CultureInfo.InvariantCulture), "-o", "command="], cancellationToken);
        return ps.ExitCode == 0 && ps.Output.Length > 0 ? ps.Output : null;
    }

    [GeneratedRegex(@"pid=(\d+)")]
    private static partial Regex SsPid();
}
