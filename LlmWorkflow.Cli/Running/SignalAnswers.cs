using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Execution;
using LlmWorkflow.Engine.Jobs;

namespace LlmWorkflow.Cli.Running;

/// <summary>Answers the signals of a run: from <c>--signal</c>, else by asking on the terminal.</summary>
internal sealed class SignalAnswers(CliHost host, RunRequest request, IRunView view)
{
    private volatile IReadOnlyList<StepWait> _waits = [];

    /// <summary>Takes note of what is waited for.</summary>
    public void OnEvent(JobEvent told)
    {
        if (told.Type == "job.waiting")
        {
            using var document = JsonDocument.Parse(told.Data);
            _waits = document.RootElement.GetProperty("waiting_for").Deserialize(StepWaitJson.Default.IReadOnlyListStepWait) ?? [];
        }
    }

    /// <summary>Why a run ends that nobody answers.</summary>
    public static WorkflowError Unanswered(string signal) => new()
    {
        Type = "UnansweredSignal",
        Category = ErrorCategory.User,
        Message = $"The run waits for the signal '{signal}', and nobody is there to answer.",
        Details = new() { Suggestions = [$"Give the answer: --signal {signal}=JSON", "Or run it on a terminal, and answer when asked."] },
    };

    /// <summary>The answer; null when only time can end the wait.</summary>
    /// <exception cref="UnansweredSignalException">Nobody is there to answer it, or any other that is waited for.</exception>
    public async Task<JsonElement?> AnswerAsync(StepWait wait, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(wait);
        if (request.Signals.TryGetValue(wait.Signal!, out var given))
        {
            return given;
        }

        // One that has its answer goes first, whatever their order.
        if (_waits.Any(other => other.Signal is null || request.Signals.ContainsKey(other.Signal)))
        {
            return null;
        }

        if (host.IsTerminal && !request.Json)
        {
            return await view.PauseAsync(() => AskAsync(wait, cancellationToken));
        }

        // Its timeout_seconds will end it.
        return wait.Until is not null ? null : throw new UnansweredSignalException(wait.Signal!);
    }

    private async Task<JsonElement?> AskAsync(StepWait wait, CancellationToken cancellationToken)
    {
        await host.Error.WriteLineAsync($"{wait.DisplayName}: {wait.Message ?? "waits for an answer."}");
        while (true)
        {
            await host.Error.WriteAsync($"Answer to '{wait.Signal}' as JSON (Enter: true): ");
            // The console's reader cannot be stopped; what waits for it can.
            var line = await Task.Run(host.In.ReadLine, cancellationToken).WaitAsync(cancellationToken)
                ?? throw new UnansweredSignalException(wait.Signal!);
            try
            {
                return JsonElement.Parse(string.IsNullOrWhiteSpace(line) ? "true" : line);
            }
            catch (JsonException)
            {
                await host.Error.WriteLineAsync("That is no JSON; a text needs quotes: \"yes\".");
            }
        }
    }
}
