using System.Globalization;
using Npgsql;

namespace LlmWorkflow.AppHost.Servers;

/// <summary>
/// A Postgres server of our own on 127.0.0.1, from the machine's binaries: SCRAM with a generated password, no Unix socket,
/// durable defaults unless ephemeral. Stop it by disposing it; it ends with this process in any case.
/// </summary>
internal sealed class PostgresServer : LocalServer
{
    public const string UserName = "postgres";

    private readonly string binaries;

    private PostgresServer(LocalServerOptions options, ServerAccount account, string binaries, string directory, string password)
        : base("Postgres", options, account, directory, password) => this.binaries = binaries;

    private string DataDirectory => Path.Combine(DataRoot, "data");

    /// <summary>Initialises the directory if it is new, and starts the server; it accepts connections when this returns.</summary>
    /// <exception cref="ServerUnavailableException">There is no Postgres on this machine, or it does not start; the message has its last lines.</exception>
    public static async Task<PostgresServer> StartAsync(LocalServerOptions options, CancellationToken cancellationToken)
    {
        var binaries = ServerBinaries.FindPostgresDirectory();
        var account = await ServerAccount.CurrentAsync(cancellationToken);
        var directory = await account.PrepareDirectoryAsync(options.Directory, cancellationToken);
        var password = options.Ephemeral ? ServerPassword.Generate() : ServerPassword.GetOrCreate(options.Directory);
        var server = new PostgresServer(options, account, binaries, directory, password);
        await server.InitialiseAsync(cancellationToken);
        await server.StartAsync(cancellationToken);
        return server;
    }

    /// <summary>An Npgsql connection string.</summary>
    public string ConnectionString(string database) =>
        $"Host=127.0.0.1;Port={Port};Username={UserName};Password={Password};Database={database}";

    /// <summary>Makes the database unless it is there.</summary>
    public async Task EnsureDatabaseAsync(string name, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(ConnectionString("postgres") + ";Pooling=false");
        await connection.OpenAsync(cancellationToken);
        await using var exists = new NpgsqlCommand("SELECT 1 FROM pg_database WHERE datname = $1", connection) { Parameters = { new() { Value = name } } };
        if (await exists.ExecuteScalarAsync(cancellationToken) is null)
        {
            await using var create = new NpgsqlCommand($"CREATE DATABASE \"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"", connection);
            await create.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    protected override async Task StartWithinAsync(CancellationToken cancellationToken)
    {
        await WaitForPredecessorAsync(cancellationToken);
        while (!await TryStartAsync(cancellationToken))
        {
            await Task.Delay(ReadyPoll * 10, TimeProvider.System, cancellationToken);
        }
    }

    private async Task InitialiseAsync(CancellationToken cancellationToken)
    {
        if (File.Exists(Path.Combine(DataDirectory, "PG_VERSION")))
        {
            return;
        }

        // initdb runs as the account, which may read only what is its own.
        var passwordFile = Path.Combine(DataRoot, "initial-password");
        PrivateFile.Write(passwordFile, Password);
        await Account.OwnAsync(DataRoot, cancellationToken);
        List<string> command =
        [
            Path.Combine(binaries, "initdb"), "--pgdata", DataDirectory, "--username", UserName, "--pwfile", passwordFile,
            "--auth", "scram-sha-256", "--encoding", "UTF8", "--no-locale", "--no-instructions",
        ];
        if (Options.Ephemeral)
        {
            command.Add("--no-sync");
        }

        var result = await Account.RunAsync(command, cancellationToken);
        File.Delete(passwordFile);
        if (result.ExitCode != 0)
        {
            throw new ServerUnavailableException($"initdb failed in {DataRoot}: {result.Error}\n{result.Output}");
        }
    }

    private async Task<bool> TryStartAsync(CancellationToken cancellationToken)
    {
        PreparePort();
        await LaunchAsync(
            new SupervisedProcessOptions
            {
                Command = Account.Wrap([Path.Combine(binaries, "postgres"), "-D", DataDirectory, .. Settings()]),
                StopSignal = "INT",
                TemporaryDirectory = Options.Ephemeral ? DataRoot : null,
                OnLine = Log.Add,
            },
            cancellationToken);
        while (!IsReady())
        {
            if (Process.Completion.IsCompleted)
            {
                // The backends of a killed server keep its memory for a moment.
                return Log.Text.Contains("still in use", StringComparison.Ordinal)
                    ? false
                    : throw new ServerUnavailableException($"Postgres in {DataRoot} ended at its start.\n{Log.Text}");
            }

            await Task.Delay(ReadyPoll, TimeProvider.System, cancellationToken);
        }

        return true;
    }

    private IEnumerable<string> Settings()
    {
        List<string> settings =
        [
            "listen_addresses=127.0.0.1", $"port={Port}", "unix_socket_directories=", $"max_connections={Options.MaxConnections}",
            "logging_collector=off", "log_destination=stderr", "lc_messages=C", "shared_buffers=256MB", "max_wal_size=2GB",
        ];
        if (Options.Ephemeral)
        {
            settings.AddRange(["fsync=off", "synchronous_commit=off", "full_page_writes=off"]);
        }

        return settings.SelectMany(setting => new[] { "-c", setting });
    }

    // The eighth line of postmaster.pid is the server's own word on its state, the same in every language (pg_ctl reads it too).
    private bool IsReady() => PidFile() is { Length: >= 8 } lines && lines[7].Trim() == "ready" && lines[0].Trim() == PidText(Process.Id);

    // A server whose parent was killed a moment ago may still be shutting down.
    private async Task WaitForPredecessorAsync(CancellationToken cancellationToken)
    {
        while (PidFile() is { Length: > 0 } lines
            && int.TryParse(lines[0], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var id)
            && PortHolder.CommandOf(Math.Abs(id)) is { } command
            && command.Contains("postgres", StringComparison.Ordinal)
            && command.Contains(DataDirectory, StringComparison.Ordinal))
        {
            await Task.Delay(ReadyPoll, TimeProvider.System, cancellationToken);
        }
    }

    private string[]? PidFile()
    {
        try
        {
            return File.ReadAllLines(Path.Combine(DataDirectory, "postmaster.pid"));
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static string PidText(int id) => id.ToString(CultureInfo.InvariantCulture);
}
