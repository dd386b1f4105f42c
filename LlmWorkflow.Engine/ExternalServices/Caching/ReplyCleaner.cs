namespace LlmWorkflow.Engine.ExternalServices.Caching;

/// <summary>Deletes kept replies that nobody may use any more, and places of processes that died. Safe on every worker at once.</summary>
internal sealed class ReplyCleaner(ReplyTable table)
{
    /// <summary>Time between rounds.</summary>
    public static readonly TimeSpan Every = TimeSpan.FromMinutes(1);

    /// <summary>Deletes one batch. True: there may be more.</summary>
    public async Task<bool> RunOnceAsync(CancellationToken cancellationToken) => await table.CleanAsync(cancellationToken) == ReplyTable.Batch;
}
