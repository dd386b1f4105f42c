using LlmWorkflow.Engine.Queue;
using LlmWorkflow.Tests.Support;
using LlmWorkflow.Worker;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace LlmWorkflow.Tests.Worker;

public sealed class JobConsumerTests(EngineFixture engine) : IClassFixture<EngineFixture>
{
    [Fact]
    public async Task RunOnceAsync_LeaseInDoubt_LeavesTheJobsToOtherWorkers()
    {
        VirtualTime time = new();
        using var lease = new WorkerLease(engine.Leases, time, NullLogger<WorkerLease>.Instance);
        await lease.RegisterAsync(new(Guid.CreateVersion7(), "host", "boot", Environment.ProcessId, "test", 1), CancellationToken.None);
        var job = Guid.CreateVersion7();
        await engine.Stream.AddAsync([new(job, 5)]);
        using var consumer = new JobConsumer(
            engine.Stream, new(engine.Leases, lease), null!, engine.Jobs, null!, null!, Options.Create(new WorkerOptions()), time, new Random(1),
            NullLogger<JobConsumer>.Instance);
        time.Advance(WorkerLease.Duration);

        consumer.Wake();
        await consumer.RunOnceAsync(CancellationToken.None);

        Assert.Equal([job], await engine.Stream.TakeAsync(1, 1));
    }
}
