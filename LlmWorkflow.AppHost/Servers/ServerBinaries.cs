using System.Globalization;

namespace LlmWorkflow.AppHost.Servers;

/// <summary>A server that cannot be started here; the message says what is missing and how to get it.</summary>
public sealed class ServerUnavailableException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>Finds the machine's Postgres and Redis (or Valkey).</summary>
internal static class ServerBinaries
{
    private static readonly string[] HomebrewRoots = ["/opt/homebrew", "/usr/local"];

    /// <summary>The directory of the newest <c>postgres</c> with its <c>initdb</c>.</summary>
    /// <exception cref="ServerUnavailableException">None was found.</exception>
    public static string FindPostgresDirectory() =>
        PostgresDirectories().FirstOrDefault(directory => File.Exists(Path.Combine(directory, "postgres")) && File.Exists(Path.Combine(directory, "initdb")))
        ?? throw new ServerUnavailableException(
            "No Postgres server was found (initdb and postgres, on PATH, under /usr/lib/postgresql or from Homebrew). "
            + InstallHint("postgresql", "postgresql@17", "DATABASE_URL"));

    /// <summary>The path of <c>redis-server</c> or <c>valkey-server</c>.</summary>
    /// <exception cref="ServerUnavailableException">Neither was found.</exception>
    public static string FindRedis() =>
        FindProgram("redis-server") ?? FindProgram("valkey-server")
        ?? throw new ServerUnavailableException(
            "No Redis server was found (redis-server or valkey-server on PATH). " + InstallHint("redis-server", "redis", "REDIS_URL"));

    /// <summary>The path of a program on PATH, in the usual server directories or from Homebrew; null when there is none.</summary>
    public static string? FindProgram(string name) =>
        PathDirectories()
            .Concat(HomebrewRoots.Select(root => Path.Combine(root, "bin")))
            .Concat(["/usr/bin", "/bin", "/usr/sbin", "/sbin"])
            .Select(directory => Path.Combine(directory, name))
            .FirstOrDefault(File.Exists);

    private static IEnumerable<string> PostgresDirectories()
    {
        var debian = Newest("/usr/lib/postgresql", name => name);
        var homebrew = HomebrewRoots.SelectMany(root => Newest(Path.Combine(root, "opt"), name =>
            name.StartsWith("postgresql@", StringComparison.Ordinal) ? name["postgresql@".Length..] : ""));
        return [.. PathDirectories(), .. debian, .. homebrew];
    }

    private static IEnumerable<string> Newest(string parent, Func<string, string> version) =>
        !Directory.Exists(parent)
            ? []
            : Directory.EnumerateDirectories(parent)
                .Select(directory => (Path: Path.Combine(directory, "bin"), Version: Number(version(Path.GetFileName(directory)))))
                .Where(candidate => candidate.Version > 0)
                .OrderByDescending(candidate => candidate.Version)
                .Select(candidate => candidate.Path);

    private static double Number(string text) =>
        double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) ? number : 0;

    private static string[] PathDirectories() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);

    private static string InstallHint(string debian, string homebrew, string variable) =>
        OperatingSystem.IsMacOS()
            ? $"Install it with 'brew install {homebrew}', or set {variable} to a running server."
            : $"Install it with 'sudo apt-get install -y {debian}' (or your system's package), or set {variable} to a running server.";
}
