using System.Threading.Channels;

namespace LlmWorkflow.Engine.Storage;

/// <summary>
/// Coalesces writes: whatever waits while one statement commits goes out together in the next. Idle, a single write goes out at once, so
/// nothing is slower than without it; under load one commit carries many rows.
/// </summary>
/// <remarks>One bad item must not fail the others: a batch that fails for good is halved until the bad one stands alone.</remarks>
internal sealed class GroupCommit<TItem, TResult> : IAsyncDisposable
{
    // Larger batches gain nothing measurable: the cost per row dominates from about a hundred rows on.
    private const int LargestBatch = 256;

    // Callers wait here when the database cannot keep up, instead of filling the memory.
    private const int BackPressure = 8192;

    private readonly Channel<Pending> _channel = Channel.CreateBounded<Pending>(BackPressure);
    private readonly Func<IReadOnlyList<TItem>, CancellationToken, Task<IReadOnlyList<TResult>>> _commit;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task[] _lanes;

    /// <param name="commit">Writes all items in one transaction and gives a result for each, in their order.</param>
    /// <param name="lanes">Statements that may be under way at once: while one commits, the next one gathers.</param>
    public GroupCommit(Func<IReadOnlyList<TItem>, CancellationToken, Task<IReadOnlyList<TResult>>> commit, int lanes = 2)
    {
        _commit = commit;
        // A batch belongs to no single request: without this, the trace of whoever made the store would collect everybody's statements.
        using (ExecutionContext.SuppressFlow())
        {
            _lanes = [.. Enumerable.Range(0, lanes).Select(_ => Task.Run(RunLaneAsync))];
        }
    }

    /// <summary>Waits until the item is committed. Cancelling stops the wait, not the write.</summary>
    public async Task<TResult> AddAsync(TItem item, CancellationToken cancellationToken)
    {
        var pending = new Pending(item, new(TaskCreationOptions.RunContinuationsAsynchronously));
        await _channel.Writer.WriteAsync(pending, cancellationToken);
        return await pending.Done.Task.WaitAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        _channel.Writer.TryComplete();
        await Task.WhenAll(_lanes);
        await _stopping.CancelAsync();
        _stopping.Dispose();
    }

    private async Task RunLaneAsync()
    {
        var batch = new List<Pending>(LargestBatch);
        while (await _channel.Reader.WaitToReadAsync())
        {
            batch.Clear();
            while (batch.Count < LargestBatch && _channel.Reader.TryRead(out var pending))
            {
                batch.Add(pending);
            }

            if (batch.Count > 0)
            {
                await CommitAsync(batch);
            }
        }
    }

    private async Task CommitAsync(List<Pending> batch)
    {
        try
        {
            var results = await _commit([.. batch.Select(p => p.Item)], _stopping.Token);
            for (var i = 0; i < batch.Count; i++)
            {
                batch[i].Done.TrySetResult(results[i]);
            }
        }
        catch (Exception e) when (batch.Count == 1 || Database.IsTransient(e) || e is OperationCanceledException)
        {
            // Every caller decides for itself whether to try again.
            foreach (var pending in batch)
            {
                pending.Done.TrySetException(e);
            }
        }
        catch (Exception)
        {
            var half = batch.Count / 2;
            await CommitAsync(batch[..half]);
            await CommitAsync(batch[half..]);
        }
    }

    private readonly record struct Pending(TItem Item, TaskCompletionSource<TResult> Done);
}
