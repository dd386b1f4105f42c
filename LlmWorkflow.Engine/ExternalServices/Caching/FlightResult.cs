namespace LlmWorkflow.Engine.ExternalServices.Caching;

/// <summary>Where an answer comes from.</summary>
internal enum AnswerSource
{
    /// <summary>This process's memory.</summary>
    Memory,

    /// <summary>Redis.</summary>
    Redis,

    /// <summary>The table.</summary>
    Table,

    /// <summary>The call of another process, which was waited for.</summary>
    Fleet,

    /// <summary>A call.</summary>
    Call,
}

/// <summary>What a flight found.</summary>
/// <param name="Source">Where.</param>
/// <param name="Outcome">Of the call; null when there was none.</param>
/// <param name="Reply">The reply; of a call that failed, the one that may stand in, or null.</param>
internal sealed record FlightResult(AnswerSource Source, ServiceOutcome? Outcome, CachedReply? Reply);
