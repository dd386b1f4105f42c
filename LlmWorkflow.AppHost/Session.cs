using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace LlmWorkflow.AppHost;

/// <summary>What the user sees of a run: how the parts come up, where they are, and the demo.</summary>
internal sealed class Session(
    SystemWatch watch,
    ExpectedInstances expected,
    AppHostCommand command,
    Demo demo,
    RunOutcome outcome,
    IConfiguration configuration,
    IHostApplicationLifetime lifetime) : BackgroundService
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(4);

    // The demo's trace should be in the dashboard, so the demo waits for it a while; it can do without.
    private static readonly TimeSpan DashboardLimit = TimeSpan.FromSeconds(20);

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        watch.Healthy += name => Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  ready: {name} ({watch.Elapsed.TotalSeconds:0.0} s)"));
        return base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await watch.Ready.WaitAsync(StartLimit, stoppingToken);
            if (command.Demo)
            {
                await watch.DashboardSettled.WaitAsync(DashboardLimit, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                outcome.ExitCode = await demo.RunAsync(stoppingToken) ? 0 : 1;
            }

            PrintAddresses();
            if (!command.Once)
            {
                Console.WriteLine("Ctrl-C stops the system.");
                outcome.ExitCode = 0;
                return;
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            outcome.ExitCode = command.Once ? 1 : 0;
            return;
        }
        catch (Exception exception) when (exception is AppHostException or TimeoutException or HttpRequestException)
        {
            await Console.Error.WriteLineAsync(exception is TimeoutException ? $"The system is not complete after {StartLimit.TotalMinutes} minutes." : exception.Message);
            outcome.ExitCode = 1;
        }

        lifetime.StopApplication();
    }

    private void PrintAddresses()
    {
        var api = watch.UrlOf("api");
        Console.WriteLine();
        Console.WriteLine($"  API               {api}");
        Console.WriteLine($"  API docs          {api}/docs");
        Console.WriteLine(watch.UrlOf("simulator") is { } simulator
            ? $"  Simulator         {simulator}   stands in for {string.Join(", ", expected.Simulated)}: no key is set"
            : "  Simulator         not needed: every upstream has its key");
        Console.WriteLine($"  Aspire dashboard  {watch.UrlOf("aspire-dashboard") ?? "not available (./run sets it up, or says why not); traces are not kept"}");
        Console.WriteLine($"  Data and logs     {AppHostSettings.Home(configuration)}");
        Console.WriteLine();
    }
}
