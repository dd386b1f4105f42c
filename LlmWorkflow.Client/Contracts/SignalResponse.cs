namespace LlmWorkflow.Client.Contracts;

/// <summary>What became of a signal.</summary>
public sealed record SignalResponse
{
    /// <summary>The job.</summary>
    public required Guid JobId { get; init; }

    /// <summary>Name of the signal.</summary>
    public required string Signal { get; init; }

    /// <summary>The job's state now: <c>queued</c> when it waited for this signal.</summary>
    public required string Status { get; init; }

    /// <summary>The same signal with the same payload had come before.</summary>
    public bool Repeated { get; init; }
}
