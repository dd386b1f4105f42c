using System.Net;
using System.Net.Sockets;
using System.Text;

namespace LlmWorkflow.AppHost.Servers;

/// <summary>
/// A Redis (or Valkey) of our own on 127.0.0.1, from the machine's binary: generated password, append-only file unless ephemeral.
/// Stop it by disposing it; it ends with this process in any case.
/// </summary>
internal sealed class RedisServer : IAsyncDisposable
{
    private static readonly TimeSpan ReadyPoll = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    private readonly LocalServerOptions options;
    private readonly ServerAccount account;
    private readonly string binary;
    private readonly string directory;
    private readonly LogTail log;
    private SupervisedProcess? process;

    private RedisServer(LocalServerOptions options, ServerAccount account, string binary, string directory, string password)
    {
        (this.options, this.account, this.binary, this.directory, Password) = (options, account, binary, directory, password);
        log = new LogTail(options.OnLine);
    }

    public int Port { get; private set; }

    public string Password { get; }

    public int ProcessId => process?.Id ?? throw new InvalidOperationException("Redis is not running.");

    /// <summary>Ends when the server does.</summary>
    public Task<int> Completion => process?.Completion ?? throw new InvalidOperationException("Redis is not running.");

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

    /// <summary>Starts the stopped, killed or crashed server again, on the same port.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (process is { Completion.IsCompleted: false })
        {
            return;
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(StartLimit);
        try
        {
            await StartWithinAsync(limit.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ServerUnavailableException($"Redis in {directory} was not ready after {StartLimit.TotalSeconds:0} s.\n{log.Text}");
        }
    }

    public async Task StopAsync()
    {
        if (process is not null)
        {
            await process.StopAsync();
        }
    }

    /// <summary>SIGKILL: a crash.</summary>
    public async Task KillAsync()
    {
        if (process is not null)
        {
            await process.KillAsync();
        }
    }

    public async Task RestartAsync(CancellationToken cancellationToken)
    {
        await StopAsync();
        await StartAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (process is not null)
        {
            await process.DisposeAsync();
        }

        if (options.Ephemeral && Directory.Exists(directory))
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private async Task StartWithinAsync(CancellationToken cancellationToken)
    {
        Port = options.Port ?? (Port == 0 ? LoopbackPort.FindFree() : Port);
        log.Clear();
        // In a file, not on the command line, where every user of the machine could read the password.
        var configuration = Path.Combine(directory, "redis.conf");
        PrivateFile.Write(configuration, Configuration());
        await account.OwnAsync(directory, cancellationToken);
        process = await SupervisedProcess.StartAsync(
            new SupervisedProcessOptions
            {
                Command = account.Wrap([binary, configuration]),
                TemporaryDirectory = options.Ephemeral ? directory : null,
                OnLine = log.Add,
            },
            cancellationToken);
        while (!await AnswersAsync(cancellationToken))
        {
            if (process.Completion.IsCompleted)
            {
                throw new ServerUnavailableException($"Redis in {directory} ended at its start.\n{log.Text}");
            }

            await Task.Delay(ReadyPoll, TimeProvider.System, cancellationToken);
        }
    }

    private string Configuration() => $"""
        bind 127.0.0.1
        port {Port}
        protected-mode yes
        requirepass {Password}
        dir "{directory}"
        daemonize no
        save ""
        appendonly {(options.Ephemeral ? "no" : "yes")}
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
