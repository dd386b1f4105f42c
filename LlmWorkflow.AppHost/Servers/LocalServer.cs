namespace LlmWorkflow.AppHost.Servers;

/// <summary>
/// A server of our own on 127.0.0.1, from the machine's binary. Stop it by disposing it; it ends with this process in any case.
/// </summary>
internal abstract class LocalServer(string name, LocalServerOptions options, ServerAccount account, string directory, string password) : IAsyncDisposable
{
    protected static readonly TimeSpan ReadyPoll = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    private SupervisedProcess? process;

    public int Port { get; private set; }

    public string Password { get; } = password;

    public int ProcessId => Process.Id;

    /// <summary>Ends when the server does.</summary>
    public Task<int> Completion => Process.Completion;

    protected LocalServerOptions Options { get; } = options;

    protected ServerAccount Account { get; } = account;

    protected string DataRoot { get; } = directory;

    protected LogTail Log { get; } = new(options.OnLine);

    protected SupervisedProcess Process => process ?? throw new InvalidOperationException($"{name} is not running.");

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
            throw new ServerUnavailableException($"{name} in {DataRoot} was not ready after {StartLimit.TotalSeconds:0} s.\n{Log.Text}");
        }
    }

    /// <summary>Orderly shutdown: connections are cut, everything is written.</summary>
    public async Task StopAsync()
    {
        if (process is not null)
        {
            await process.StopAsync();
        }
    }

    /// <summary>SIGKILL to the server's main process: a crash.</summary>
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

        if (Options.Ephemeral && Directory.Exists(DataRoot))
        {
            Directory.Delete(DataRoot, recursive: true);
        }
    }

    /// <summary>Starts the process and waits until it is ready; cancelled when that takes too long.</summary>
    protected abstract Task StartWithinAsync(CancellationToken cancellationToken);

    /// <summary>Takes the port given, else the one of the last start, else a free one; forgets the last start's output.</summary>
    protected void PreparePort()
    {
        Port = Options.Port ?? (Port == 0 ? LoopbackPort.FindFree() : Port);
        Log.Clear();
    }

    protected async Task LaunchAsync(SupervisedProcessOptions launch, CancellationToken cancellationToken) =>
        process = await SupervisedProcess.StartAsync(launch, cancellationToken);
}
