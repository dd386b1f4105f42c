using LlmWorkflow.Engine.Storage;

namespace LlmWorkflow.Tests.Engine.Storage;

public sealed class GroupCommitTests
{
    [Fact]
    public async Task AddAsync_WhileACommitIsUnderWay_GathersTheRestIntoOneBatch()
    {
        var firstStarted = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        var batches = new List<int>();
        await using var commit = new GroupCommit<int, int>(
            async (items, _) =>
            {
                batches.Add(items.Count);
                firstStarted.TrySetResult();
                await release.Task;
                return [.. items.Select(i => i * 2)];
            },
            lanes: 1);

        var first = commit.AddAsync(1, CancellationToken.None);
        await firstStarted.Task;
        var others = Enumerable.Range(2, 9).Select(i => commit.AddAsync(i, CancellationToken.None)).ToArray();
        release.SetResult();

        Assert.Equal(2, await first);
        Assert.Equal(Enumerable.Range(2, 9).Select(i => i * 2), await Task.WhenAll(others));
        Assert.Equal([1, 9], batches);
    }

    [Fact]
    public async Task AddAsync_OneBadItem_FailsAloneAndTheOthersAreCommitted()
    {
        var firstStarted = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        await using var commit = new GroupCommit<int, int>(
            async (items, _) =>
            {
                firstStarted.TrySetResult();
                await release.Task;
                return items.Contains(13) ? throw new InvalidOperationException("bad") : items;
            },
            lanes: 1);

        var first = commit.AddAsync(0, CancellationToken.None);
        await firstStarted.Task;
        var tasks = Enumerable.Range(1, 20).Select(i => commit.AddAsync(i, CancellationToken.None)).ToList();
        release.SetResult();
        await first;

        for (var i = 1; i <= 20; i++)
        {
            if (i == 13)
            {
                await Assert.ThrowsAsync<InvalidOperationException>(() => tasks[i - 1]);
            }
            else
            {
                Assert.Equal(i, await tasks[i - 1]);
            }
        }
    }

    [Fact]
    public async Task AddAsync_TransientFailure_ReachesEveryCallerWithoutHalving()
    {
        var calls = 0;
        var firstStarted = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        await using var commit = new GroupCommit<int, int>(
            async (items, _) =>
            {
                calls++;
                firstStarted.TrySetResult();
                await release.Task;
                throw new TimeoutException("away");
            },
            lanes: 1);

        var first = commit.AddAsync(0, CancellationToken.None);
        await firstStarted.Task;
        var others = Enumerable.Range(1, 5).Select(i => commit.AddAsync(i, CancellationToken.None)).ToList();
        release.SetResult();

        await Assert.ThrowsAsync<TimeoutException>(() => first);
        foreach (var other in others)
        {
            await Assert.ThrowsAsync<TimeoutException>(() => other);
        }

        Assert.Equal(2, calls);
    }
}
