namespace LlmWorkflow.Worker;

/// <summary>Settings of a worker process.</summary>
public sealed class WorkerOptions
{
    /// <summary>Jobs that run at once (<c>WORKER_SLOTS</c>). Most of them wait for an upstream, which costs next to nothing. Default 500.</summary>
    public int Slots { get; set; } = 500;

    /// <summary>How long a leaving worker lets calls under way finish before it hands their jobs back (<c>WORKER_GRACE_SECONDS</c>). Default 20 s.</summary>
    public TimeSpan Grace { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>Applies missing migrations at start (<c>MIGRATE_ON_START</c>). Default true.</summary>
    public bool MigrateOnStart { get; set; } = true;
}
