namespace LlmWorkflow.Engine.Webhooks;

/// <summary>How much one process sends at once. Not settings: tests shorten them.</summary>
internal sealed record WebhookLimits
{
    /// <summary>
    /// Attempts at once, not counting slow ones. At 50 ms an answer 32 give 640 deliveries a second per process, with few enough
    /// database connections that deliveries never starve jobs.
    /// </summary>
    public int Places { get; init; } = 32;

    /// <summary>An attempt that runs longer frees its place, so that hanging receivers do not use up the places of those that answer.</summary>
    public TimeSpan SlowAfter { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Attempts at once, slow ones included: bounds memory (a body each) and sockets when many receivers hang.</summary>
    public int InFlight { get; init; } = 256;

    /// <summary>Attempts at once to one host and port: a receiver is not flooded, and cannot take more than an eighth of the places.</summary>
    public int PerHost { get; init; } = 4;

    /// <summary>Failures in a row after which a host counts as failing: one job's whole retries never do it, so single bad jobs slow nobody.</summary>
    public int FailingAfter { get; init; } = 5;

    /// <summary>A failing host gets one attempt at a time, with this pause after each, until one succeeds.</summary>
    public TimeSpan FailingPause { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Failing hosts remembered; more are forgotten, oldest first, and start afresh with <see cref="PerHost"/> places.</summary>
    public int FailingHosts { get; init; } = 1024;

    /// <summary>
    /// Added to the time limit of an attempt before its row comes due for others: covers the reading of the answer and a database that is
    /// away for some seconds when the result is to be written.
    /// </summary>
    public TimeSpan HoldMargin { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Time between tries to write a result while the database is away.</summary>
    public TimeSpan RecordRetry { get; init; } = TimeSpan.FromMilliseconds(500);
}
