using System.Text.Json;
using LlmWorkflow.Cli.Checking;
using LlmWorkflow.Cli.Recording;
using LlmWorkflow.Engine;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Execution;
using LlmWorkflow.Engine.Jobs;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LlmWorkflow.Cli.Running;

/// <summary>One run of one workflow, from its upstreams to what is printed.</summary>
/// <param name="host">Where it is shown.</param>
/// <param name="loaded">The workflow.</param>
/// <param name="input">Its input, checked.</param>
/// <param name="request">How.</param>
internal sealed class RunSession(CliHost host, LoadedWorkflow loaded, JsonElement input, RunRequest request)
{
    private readonly RunSteps _steps = new(host.Time);

    /// <summary>Runs it; the exit code.</summary>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        var recording = CallRecording.Open(host, request.Record, request.Replay);
        var upstreams = UpstreamSettings.Of(loaded, host.Environment);
        await using var simulator = await StandInAsync(upstreams, recording, cancellationToken);
        var log = new EngineLog(request.Debug ? LogLevel.Warning : LogLevel.Error);
        await using var services = InProcessServices.Build(loaded.Tree, upstreams, log, recording);
        var job = Identity();
        var report = await RunAsync(services, job, cancellationToken);
        // The result first: it is there, whatever becomes of the recording.
        var code = Tell(report, log, cancellationToken);
        recording.Save();
        return code;
    }

    // What stands in for upstreams without a key: a recording, or the simulator.
    private async Task<SimulatorProcess?> StandInAsync(UpstreamSettings upstreams, CallRecording recording, CancellationToken cancellationToken)
    {
        if (!recording.Calls)
        {
            upstreams.Replay();
            return null;
        }

        var simulator = await StandIn.StartAsync(host, upstreams, cancellationToken);
        if (upstreams.Keyless is { Count: > 0 } keyless)
        {
            var missing = keyless.FirstOrDefault(upstream => !upstreams.CanBeSimulated(upstream)) ?? keyless[0];
            throw new CliException($"{string.Join(" or ", missing.KeyVariables)} is not set: {missing.Name} cannot be asked without a key. Set it, or use --replay with a recording.");
        }

        return simulator;
    }

    private JobIdentity Identity() => new()
    {
        JobId = Guid.CreateVersion7(),
        WorkflowName = loaded.Workflow.Definition.Name,
        DefinitionHash = loaded.Workflow.Hash,
        UserId = request.UserId,
        Username = request.Username,
        Action = request.Action,
        Priority = 5,
        DebugMode = request.Debug,
        MaxCostUsd = loaded.Workflow.Definition.MaxCostUsd,
        CreatedAt = host.Time.GetUtcNow(),
    };

    private async Task<RunReport> RunAsync(ServiceProvider services, JobIdentity job, CancellationToken cancellationToken)
    {
        await using IRunView view = host is { IsTerminal: true, UsesColor: true } ? new LiveView(host, _steps, job.WorkflowName) : new LineView(host, _steps);
        var answers = new SignalAnswers(host, request, view);
        var observer = new RunObserver
        {
            OnEvent = told =>
            {
                answers.OnEvent(told);
                view.Show(told, _steps.Apply(told));
            },
            OnDelta = _steps.Apply,
        };
        var run = new InProcessRun(services.GetRequiredService<JobRunner>(), services.GetRequiredService<SkippableTime>(), request.SkipWaits);
        JobTransition? end = null;
        WorkflowError? error = null;
        view.Start();
        try
        {
            end = await run.RunAsync(job, input, observer, answers.AnswerAsync, cancellationToken);
        }
        catch (UnansweredSignalException e)
        {
            error = SignalAnswers.Unanswered(e.Signal);
        }

        var calls = await services.GetRequiredService<ICallLedger>().ReadAsync(job.JobId, CancellationToken.None);
        var history = await services.GetRequiredService<ICheckpointStore>().ReadAsync(job.JobId, CancellationToken.None);
        return new RunReport(end?.To ?? JobStatus.Failed, end?.Result ?? default, end?.Error ?? error, _steps.InOrder(history.Steps.Values), calls);
    }

    private int Tell(RunReport report, EngineLog log, CancellationToken cancellationToken)
    {
        log.Print(host.Error);
        host.Error.WriteLine(report.Summary(_steps.Elapsed));
        if (report.Error is { } error)
        {
            host.Error.WriteLine(ErrorText.Of(error));
        }

        if (request.Json)
        {
            host.Out.WriteLine(report.ToJson(request.Debug));
        }
        else if (report.Status is JobStatus.Completed)
        {
            host.Out.WriteLine(CliJson.Text(report.Output));
        }

        return report.Status is JobStatus.Completed ? ExitCodes.Success
            : report.Status is JobStatus.Cancelled && cancellationToken.IsCancellationRequested ? ExitCodes.Interrupted
            : ExitCodes.Failure;
    }
}
