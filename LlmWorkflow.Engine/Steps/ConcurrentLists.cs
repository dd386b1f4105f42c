namespace LlmWorkflow.Engine.Steps;

/// <summary>Runs lists of steps side by side: branches of a <c>parallel</c>, iterations of a <c>foreach</c>.</summary>
/// <param name="limit">How many at once. One that is parked gives its place to the next.</param>
/// <param name="failFast">Whether the first error stops the others.</param>
internal sealed class ConcurrentLists(int limit, bool failFast)
{
    /// <summary>The results by index; null for what was stopped before it had one.</summary>
    /// <param name="count">How many lists there are.</param>
    /// <param name="run">Runs one.</param>
    /// <param name="cancellationToken">Stops all of them.</param>
    /// <param name="onResult">Sees each result; false stops the others.</param>
    public async Task<IReadOnlyList<StepResult?>> RunAsync(
        int count, Func<int, CancellationToken, Task<StepResult>> run, CancellationToken cancellationToken, Func<StepResult, bool>? onResult = null)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var results = new StepResult?[count];
        var next = -1;
        await Task.WhenAll(Enumerable.Range(0, Math.Min(limit, count)).Select(_ => Task.Run(LaneAsync, CancellationToken.None)));
        cancellationToken.ThrowIfCancellationRequested();
        return results;

        async Task LaneAsync()
        {
            int index;
            while (!stop.IsCancellationRequested && (index = Interlocked.Increment(ref next)) < count)
            {
                try
                {
                    var result = await run(index, stop.Token);
                    results[index] = result;
                    if ((failFast && result.IsFailed) || onResult?.Invoke(result) == false)
                    {
                        await stop.CancelAsync();
                    }
                }
                catch (OperationCanceledException) when (stop.IsCancellationRequested)
                {
                    // Stopped by the error of another list, or from outside: told above.
                }
                catch
                {
                    // A fault, such as a lost lease, must not leave the others running.
                    await stop.CancelAsync();
                    throw;
                }
            }
        }
    }

    /// <summary>
    /// What ends or parks the step around them; null when all have their output. When the first error stops the others, nobody has to wait for their signals
    /// either; else they come to their end first.
    /// </summary>
    public StepResult? Ending(IReadOnlyList<StepResult?> results)
    {
        var failed = results.FirstOrDefault(r => r is { IsFailed: true });
        return failed is not null && failFast ? failed
            : results.Any(r => r is { IsParked: true }) ? StepResult.Parked([.. results.Where(r => r is { IsParked: true }).SelectMany(r => r!.Waits)])
            : failed;
    }
}
