using System.Security.Cryptography;
using System.Text;

namespace LlmWorkflow.AppHost.Servers;

/// <summary>
/// The account that runs a local server. Postgres refuses to run as root, so root runs it as <c>postgres</c> or <c>nobody</c>;
/// everyone else as themselves.
/// </summary>
internal sealed class ServerAccount
{
    /// <summary>Where root keeps a server's data when the wanted directory is closed to the other account (for example under /root).</summary>
    public const string SharedDataRoot = "/var/lib/llmworkflow";

    private static readonly string[] Candidates = ["postgres", "nobody"];
    private readonly string? user;
    private readonly string userId;
    private readonly string groupId;

    private ServerAccount(string? user, string userId, string groupId) => (this.user, this.userId, this.groupId) = (user, userId, groupId);

    private bool IsSelf => user is null;

    public static async Task<ServerAccount> CurrentAsync(CancellationToken cancellationToken)
    {
        if (!Environment.IsPrivilegedProcess)
        {
            return new ServerAccount(null, "", "");
        }

        foreach (var candidate in Candidates)
        {
            var id = await ToolCommand.RunAsync("id", ["-u", candidate], cancellationToken);
            var group = await ToolCommand.RunAsync("id", ["-g", candidate], cancellationToken);
            if (id.ExitCode == 0 && group.ExitCode == 0)
            {
                return new ServerAccount(candidate, id.Output, group.Output);
            }
        }

        throw new ServerUnavailableException("Running as root, and there is neither a user 'postgres' nor 'nobody' to run the servers as. Run as another user.");
    }

    /// <summary>The command line that runs <paramref name="command"/> under this account, replacing itself where the tools allow.</summary>
    public IReadOnlyList<string> Wrap(IReadOnlyList<string> command)
    {
        if (IsSelf)
        {
            return command;
        }

        if (ServerBinaries.FindProgram("setpriv") is { } setpriv)
        {
            return [setpriv, "--reuid", userId, "--regid", groupId, "--clear-groups", "--", .. command];
        }

        if (ServerBinaries.FindProgram("runuser") is { } runuser)
        {
            return [runuser, "-u", user!, "--", .. command];
        }

        return ["su", "-m", user!, "-c", "exec " + string.Join(' ', command.Select(Quote))];
    }

    public async Task<ToolResult> RunAsync(IReadOnlyList<string> command, CancellationToken cancellationToken)
    {
        var wrapped = Wrap(command);
        return await ToolCommand.RunAsync(wrapped[0], wrapped.Skip(1), cancellationToken);
    }

    /// <summary>
    /// Makes <paramref name="directory"/> usable by this account and returns the directory to use: the same, or, where its parents
    /// are closed to the account, one under <see cref="SharedDataRoot"/> that <paramref name="directory"/> then links to.
    /// </summary>
    public async Task<string> PrepareDirectoryAsync(string directory, CancellationToken cancellationToken)
    {
        directory = Path.GetFullPath(directory);
        Directory.CreateDirectory(Path.GetDirectoryName(directory)!);
        if (IsSelf)
        {
            PrivateFile.CreateDirectory(directory);
            return directory;
        }

        var target = new DirectoryInfo(directory).LinkTarget;
        if (target is null && !Directory.Exists(directory) && !await CanReachAsync(Path.GetDirectoryName(directory)!, cancellationToken))
        {
            var name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(directory)))[..12];
            target = Path.Combine(SharedDataRoot, $"{name}-{Path.GetFileName(directory)}");
            Directory.CreateSymbolicLink(directory, target);
        }

        var real = target ?? directory;
        PrivateFile.CreateDirectory(real);
        await OwnAsync(real, cancellationToken);
        return real;
    }

    /// <summary>Gives the account everything under <paramref name="path"/>.</summary>
    public async Task OwnAsync(string path, CancellationToken cancellationToken)
    {
        if (IsSelf)
        {
            return;
        }

        var result = await ToolCommand.RunAsync("chown", ["-R", $"{userId}:{groupId}", path], cancellationToken);
        if (result.ExitCode != 0)
        {
            throw new ServerUnavailableException($"Cannot give {path} to the user '{user}': {result.Error}");
        }
    }

    private async Task<bool> CanReachAsync(string directory, CancellationToken cancellationToken) =>
        (await RunAsync(["/bin/sh", "-c", "cd \"$0\"", directory], cancellationToken)).ExitCode == 0;

    private static string Quote(string argument) => "'" + argument.Replace("'", "'\\''", StringComparison.Ordinal) + "'";
}
