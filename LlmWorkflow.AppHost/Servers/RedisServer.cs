using System.Net;
using System.Net.Sockets;
using System.Text;

namespace LlmWorkflow.AppHost.Servers;

/// <summary>
/// A Redis (or Valkey) of our own on 127.0.0.1, from the machine's binary: generated password, append-only file unless ephemeral.
/// Stop it by disposing it; it ends with this process in any case.
/// </summary>
internal sealed class RedisServer : LocalServer
{
    private readonly string binary;

    private RedisServer(LocalServerOptions options, ServerAccount account, string binary, string directory, string password)
        : base("Redis", options, account, directory, password) => this.binary = binary;

    /// <summary>A StackExchange.Redis configuration string.</summary>
    public string ConnectionString => $"127.0.0.1:{Port},password={Password}";

    /// <summary>Starts the server; it answers PING when this returns.</summary>
    /// <exception cref="ServerUnavailableException">There is no Redis on this machine, or it does not start; the message has its last lines.</exception>
    public static async Task<RedisServer> StartAsync(LocalServerOptions options, CancellationToken cancellationToken)
    {
        var binary = ServerBinaries.FindRedis();
        var account = await ServerAccount.CurrentAsync(cancellationToken);
        var directory = await account.PrepareDirectoryAsync(options.Directory, cancellationToken);
        var password = options.Ephemeral ? ServerPassword.Generate() : ServerPassword.GetOrCreate(options.Directory);
        var server = new RedisServer(options, account, binary, directory, password);
        await server.StartAsync(cancellationToken);
        return server;
    }

    protected override async Task StartWithinAsync(CancellationToken cancellationToken)
    {
        PreparePort();
        // In a file, not on the command line, where every user of the machine could read the password.
        var configuration = Path.Combine(DataRoot, "redis.conf");
        PrivateFile.Write(configuration, Configuration());
        await Account.OwnAsync(DataRoot, cancellationToken);
        await LaunchAsync(
            new SupervisedProcessOptions
            {
                Command = Account.Wrap([binary, configuration]),
                TemporaryDirectory = Options.Ephemeral ? DataRoot : null,
                OnLine = Log.Add,
            },
            cancellationToken);
        while (!await AnswersAsync(cancellationToken))
        {
            if (Process.Completion.IsCompleted)
            {
                throw new ServerUnavailableException($"Redis in {DataRoot} ended at its start.\n{Log.Text}");
            }

            await Task.Delay(ReadyPoll, TimeProvider.System, cancellationToken);
        }
    }

    private string Configuration() => $"""
        bind 127.0.0.1
        port {Port}
        protected-mode yes
        requirepass {Password}
        dir "{DataRoot}"
        daemonize no
        save ""
        appendonly {(Options.Ephemeral ? "no" : "yes")}
        appendfsync everysec

        """;

    // Not PONG before the append-only file is loaded.
    private async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync(IPAddress.Loopback, Port, cancellationToken);
            await using var stream = client.GetStream();
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"AUTH {Password}\r\nPING\r\n"), cancellationToken);
            using var reader = new StreamReader(stream, Encoding.ASCII);
            return await reader.ReadLineAsync(cancellationToken) == "+OK" && await reader.ReadLineAsync(cancellationToken) == "+PONG";
        }
        catch (Exception exception) when (exception is SocketException or IOException)
        {
            return false;
        }
    }
}
