using LlmWorkflow.Engine.Queue;
using LlmWorkflow.Engine.Storage;
using LlmWorkflow.Tests.Support;
using Microsoft.Extensions.Options;

namespace LlmWorkflow.Tests.Engine.Queue;

public sealed class JobStreamTests(EngineFixture engine) : IClassFixture<EngineFixture>
{
    [Fact]
    public async Task TakeAsync_ManyTakersAtOnce_GivesEachJobOnce()
    {
        await DrainAsync();
        var jobs = Enumerable.Range(0, 400).Select(i => new QueuedJob(Guid.CreateVersion7(), (short)(i % 11))).ToList();
        await engine.Stream.AddAsync(jobs);

        var taken = new List<Guid>();
        while (taken.Count < jobs.Count)
        {
            var takes = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => engine.Stream.TakeAsync(20, i)));
            Assert.Contains(takes, t => t.Count > 0);
            taken.AddRange(takes.SelectMany(t => t));
        }

        Assert.Equal(jobs.Select(j => j.JobId).Order(), taken.Order());
        Assert.Empty(await engine.Stream.TakeAsync(10, 1));
    }

    [Fact]
    public async Task TakeAsync_SeveralPriorities_PrefersTheHigherAndStarvesNone()
    {
        await DrainAsync();
        var low = Enumerable.Range(0, 60).Select(_ => new QueuedJob(Guid.CreateVersion7(), 4)).ToList();
        var high = Enumerable.Range(0, 60).Select(_ => new QueuedJob(Guid.CreateVersion7(), 6)).ToList();
        await engine.Stream.AddAsync([.. low, .. high]);

        var first = new List<Guid>();
        for (var i = 0; i < 50; i++)
        {
            first.AddRange(await engine.Stream.TakeAsync(1, (i * 7919) + 13));
        }

        // Weights 16 and 64: four in five are high on average.
        var fromHigh = first.Count(id => high.Exists(h => h.JobId == id));
        Assert.InRange(fromHigh, 30, 49);
    }

    [Fact]
    public async Task AddAsync_ClientCancelsTheCall_ReturnsAsWithoutRedis()
    {
        RecordedLog<JobStream> log = new();
        JobStream stream = new(CancellingRedis.Create(), Options.Create(engine.Options), log);

        await stream.AddAsync([new(Guid.CreateVersion7(), 5)]);

        Assert.Empty(await stream.TakeAsync(1, 1));
        Assert.Single(log.Ids);
    }

    [Fact]
    public async Task TakeAsync_AfterAFlush_MakesItsGroupAgain()
    {
        await DrainAsync();
        await engine.Stream.AddAsync([new(Guid.CreateVersion7(), 5)]);
        await engine.Stream.TakeAsync(1, 1);
        await engine.Redis.GetDatabase().KeyDeleteAsync($"{{{engine.Options.RedisPrefix}}}:queue:5");
        await engine.Redis.GetDatabase().ExecuteAsync("SCRIPT", "FLUSH");
        var job = new QueuedJob(Guid.CreateVersion7(), 5);

        await engine.Stream.AddAsync([job]);

        Assert.Equal([job.JobId], await engine.Stream.TakeAsync(5, 1));
    }

    [Fact]
    public async Task FillAsync_StreamNotEmpty_AddsNothing()
    {
        await DrainAsync();
        Assert.Equal(2, await engine.Stream.FillAsync(3, [Guid.CreateVersion7(), Guid.CreateVersion7()]));

        Assert.Equal(0, await engine.Stream.FillAsync(3, [Guid.CreateVersion7()]));
    }

    [Fact]
    public async Task OldestAsync_TellsWhichStreamsAreEmpty()
    {
        await DrainAsync();
        await engine.Stream.AddAsync([new(Guid.CreateVersion7(), 7)]);

        var oldest = await engine.Stream.OldestAsync();

        Assert.NotNull(oldest);
        Assert.Equal(7, Array.FindIndex(oldest, o => o is not null));
    }

    [Fact]
    public async Task AddAsync_Subscribed_Wakes()
    {
        var woken = new TaskCompletionSource();
        await engine.Stream.SubscribeAsync(() => woken.TrySetResult());

        await engine.Stream.AddAsync([new(Guid.CreateVersion7(), 5)]);

        await woken.Task.WaitAsync(TimeSpan.FromSeconds(60));
    }

    private async Task DrainAsync()
    {
        while ((await engine.Stream.TakeAsync(64, 1)).Count > 0)
        {
        }
    }
}
