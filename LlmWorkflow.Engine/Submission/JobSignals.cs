using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Queue;
using LlmWorkflow.Engine.Storage;

namespace LlmWorkflow.Engine.Submission;

/// <summary>Signals to jobs, which <c>approval</c> steps wait for. A signal may come before its step; each name counts once.</summary>
public sealed class JobSignals(SignalStore signals, JobStream stream, JobEventBus events)
{
    /// <summary>Largest payload, in bytes of JSON.</summary>
    public const int MaxPayloadBytes = 65_536;

    /// <summary>Most signals of one job.</summary>
    public const int MaxSignals = 1000;

    /// <summary>Sends a signal. With <paramref name="userId"/>, another user's job is not found.</summary>
    public async Task<SignalOutcome> SendAsync(Guid jobId, Guid? userId, string name, JsonElement payload, CancellationToken cancellationToken)
    {
        var text = payload.ValueKind is JsonValueKind.Undefined ? "null" : payload.GetRawText();
        if (await signals.SendAsync(jobId, userId, name, text, MaxSignals, cancellationToken) is not { } sent)
        {
            return new(SignalResult.NotFound, default);
        }

        if (sent.Wakes)
        {
            await stream.AddAsync([new(jobId, sent.Priority)]);
            events.Nudge(jobId);
        }

        var result = sent.IsStored ? SignalResult.Accepted
            : sent.Known is { } known ? (JsonElement.DeepEquals(JsonElement.Parse(known), JsonElement.Parse(text)) ? SignalResult.Repeated : SignalResult.Conflict)
            : sent.Status.IsFinal() ? SignalResult.JobEnded
            : SignalResult.TooMany;
        return new(result, sent.Status);
    }
}

/// <summary>What became of a signal, and the job's state.</summary>
public readonly record struct SignalOutcome(SignalResult Result, JobStatus Status);

/// <summary>What became of a signal.</summary>
public enum SignalResult
{
    /// <summary>Stored; a job that waited for it goes on.</summary>
    Accepted,

    /// <summary>The same signal with the same payload was sent before.</summary>
    Repeated,

    /// <summary>The same signal was sent before, with another payload; that one counts.</summary>
    Conflict,

    /// <summary>The job has ended.</summary>
    JobEnded,

    /// <summary>The job has <see cref="JobSignals.MaxSignals"/> signals.</summary>
    TooMany,

    /// <summary>No such job (for this caller).</summary>
    NotFound,
}
