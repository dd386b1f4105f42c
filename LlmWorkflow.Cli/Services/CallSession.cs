using System.Globalization;
using System.Text.Json;
using LlmWorkflow.Cli.Checking;
using LlmWorkflow.Cli.Running;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.ExternalServices;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LlmWorkflow.Cli.Services;

/// <summary>One call of one operation, from its upstream to what is printed.</summary>
/// <param name="host">Where it is shown.</param>
/// <param name="tree">The folder of the service.</param>
/// <param name="service">The service.</param>
/// <param name="asJson">One object for scripts.</param>
internal sealed class CallSession(CliHost host, WorkflowTree tree, ServiceDefinition service, bool asJson)
{
    /// <summary>Makes it; the exit code.</summary>
    /// <exception cref="OperationCanceledException">Interrupted.</exception>
    public async Task<int> RunAsync(ServiceCall call, double? timeoutSeconds, CancellationToken cancellationToken)
    {
        var upstreams = UpstreamSettings.Of(service, host.Environment);
        // Without a key and without the simulator the engine says which variable is missing.
        await using var simulator = await StandIn.StartAsync(host, upstreams, cancellationToken);
        var log = new EngineLog(LogLevel.Error);
        await using var services = InProcessServices.Build(tree, upstreams, log);
        var started = host.Time.GetTimestamp();
        var outcome = await CallAsync(services.GetRequiredService<ServiceCaller>(), call, timeoutSeconds, cancellationToken);
        var elapsed = host.Time.GetElapsedTime(started);
        log.Print(host.Error);
        Tell(call, outcome, elapsed);
        return outcome.Error is null ? ExitCodes.Success : ExitCodes.Failure;
    }

    private async Task<ServiceOutcome> CallAsync(ServiceCaller caller, ServiceCall call, double? timeoutSeconds, CancellationToken cancellationToken)
    {
        if (timeoutSeconds is not { } seconds)
        {
            return await caller.CallAsync(call, cancellationToken);
        }

        var time = TimeSpan.FromSeconds(seconds);
        using var over = new CancellationTokenSource(time, host.Time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(over.Token, cancellationToken);
        try
        {
            return await caller.CallAsync(call with { Deadline = host.Time.GetUtcNow() + time }, stop.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new ServiceOutcome
            {
                Error = new WorkflowError
                {
                    Type = ErrorTypes.UpstreamTimeout,
                    Category = ErrorCategory.External,
                    Message = string.Create(CultureInfo.InvariantCulture, $"There was no answer within the {seconds:0.###} s of --timeout."),
                    Retryable = true,
                    Details = new ErrorDetails { Service = call.Service, Operation = call.Operation, Suggestions = ["Give it more time, or try again."] },
                },
            };
        }
    }

    private void Tell(ServiceCall call, ServiceOutcome outcome, TimeSpan elapsed)
    {
        var status = outcome.StatusCode == 0 ? "no reply" : string.Create(CultureInfo.InvariantCulture, $"status {outcome.StatusCode}");
        host.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{call.Service}.{call.Operation}: {status}, {elapsed.TotalMilliseconds:0} ms{(outcome.Cached ? ", cached" : "")}"));
        if (outcome.Error is { } error)
        {
            host.Error.WriteLine(ErrorText.Of(error));
        }

        if (asJson)
        {
            host.Out.WriteLine(Json(call, outcome, elapsed));
        }
        else if (outcome.Error is null)
        {
            host.Out.WriteLine(CliJson.Text(outcome.Data));
        }
    }

    private static string Json(ServiceCall call, ServiceOutcome outcome, TimeSpan elapsed) => CliJson.Text(writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("service", call.Service);
        writer.WriteString("operation", call.Operation);
        writer.WriteNumber("status_code", outcome.StatusCode);
        writer.WriteBoolean("cached", outcome.Cached);
        writer.WriteNumber("duration_ms", Math.Round(elapsed.TotalMilliseconds));
        if (outcome.Error is { } error)
        {
            CliJson.Write(writer, "error", EngineJson.Element(error));
        }
        else
        {
            CliJson.Write(writer, "data", outcome.Data);
        }

        writer.WriteEndObject();
    });
}
