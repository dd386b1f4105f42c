using LlmWorkflow.AppHost.Servers;
using Microsoft.Extensions.DependencyInjection;

namespace LlmWorkflow.AppHost;

/// <summary>What the AppHost is asked to do.</summary>
/// <param name="Demo">Submit the sample job once all is up, and show its progress.</param>
/// <param name="Once">End after the demo.</param>
/// <param name="Help">Only say what can be asked.</param>
/// <param name="Rest">Arguments for the builder.</param>
internal sealed record AppHostCommand(bool Demo, bool Once, bool Help, string[] Rest)
{
    public const string Usage = """
        LlmWorkflow.AppHost              start the system; Ctrl-C stops it
        LlmWorkflow.AppHost demo         start it, run the sample job, keep running
        LlmWorkflow.AppHost demo --once  start it, run the sample job, stop; 0 only if the job completed

        Settings (environment, or --NAME=value):
          LLMWORKFLOW_HOME       local data (default .llmworkflow)
          WORKERS                worker processes (default 2)
          API_PORT               default 8000
          SIMULATOR_PORT         default 8900
          ASPIRE_DASHBOARD_PORT  default 18888
          POSTGRES_PORT, REDIS_PORT  default: any free port
          DATABASE_URL, REDIS_URL    use these instead of servers of our own
        """;

    public static AppHostCommand Parse(string[] args)
    {
        var demo = args is ["demo", ..];
        string[] rest = demo ? args[1..] : args;
        var once = rest.Contains("--once");
        if (once && !demo)
        {
            throw new AppHostException("--once belongs to demo.\n\n" + Usage);
        }

        rest = [.. rest.Where(argument => argument != "--once")];
        if (rest.FirstOrDefault(argument => argument is "--help" or "-h") is not null)
        {
            return new AppHostCommand(demo, once, Help: true, []);
        }

        return rest.FirstOrDefault(argument => !argument.StartsWith("--", StringComparison.Ordinal) || !argument.Contains('=', StringComparison.Ordinal)) is { } unknown
            ? throw new AppHostException($"'{unknown}' is not a command or an option.\n\n{Usage}")
            : new AppHostCommand(demo, once, Help: false, rest);
    }

    /// <summary>Runs the system until it is stopped; gives the exit code.</summary>
    public async Task<int> RunAsync()
    {
        var stores = await PrepareHostingAsync();
        var builder = DistributedApplication.CreateBuilder(new DistributedApplicationOptions
        {
            Args = Rest,
            AllowUnsecuredTransport = true,
            // The demo tells a story on the terminal; the services' output is in their logs.
            EnableResourceLogging = !Demo,
        });
        var settings = builder.AddLlmWorkflow(stores);
        if (builder.ExecutionContext.IsPublishMode)
        {
            await using var publisher = builder.Build();
            await publisher.RunAsync();
            return 0;
        }

        using var home = HomeLock.Acquire(AppHostSettings.Home(builder.Configuration));
        await RequiredPorts.CheckAsync(settings, builder.Configuration, CancellationToken.None);
        var outcome = new RunOutcome();
        builder.Services.AddSingleton(outcome);
        builder.Services.AddSingleton(this);
        builder.Services.AddSingleton(settings);
        builder.Services.AddHttpClient<Demo>(client => client.Timeout = Timeout.InfiniteTimeSpan);
        builder.Services.AddHostedService<Session>();
        await using var app = builder.Build();
        await app.RunAsync();
        return outcome.ExitCode;
    }

#if HOSTING_ASPIRE
    // Aspire wants these before its builder is made; a launch profile or the CLI may have set them already.
    private static async Task<StoreKind> PrepareHostingAsync()
    {
        SetDefault("ASPNETCORE_URLS", $"http://localhost:{Environment.GetEnvironmentVariable("ASPIRE_DASHBOARD_PORT") ?? "18888"}");
        SetDefault("ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL", $"http://localhost:{LoopbackPort.FindFree()}");
        SetDefault("ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL", $"http://localhost:{LoopbackPort.FindFree()}");
        SetDefault("ASPIRE_ALLOW_UNSECURED_TRANSPORT", "true");
        SetDefault("ASPIRE_DASHBOARD_UNSECURED_ALLOW_ANONYMOUS", "true");
        return await ContainerEngine.IsRunningAsync() ? StoreKind.Resources : StoreKind.Executables;
    }

    private static void SetDefault(string name, string value)
    {
        if (string.IsNullOrEmpty(Environment.GetEnvironmentVariable(name)))
        {
            Environment.SetEnvironmentVariable(name, value);
        }
    }
#else
    private static Task<StoreKind> PrepareHostingAsync() => Task.FromResult(StoreKind.Resources);
#endif
}

/// <summary>How the run ended.</summary>
internal sealed class RunOutcome
{
    public int ExitCode { get; set; }
}
