using LlmWorkflow.Engine.Providers.Gate;
using LlmWorkflow.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using static LlmWorkflow.Tests.Engine.Providers.Gate.GateBench;

namespace LlmWorkflow.Tests.Engine.Providers.Gate;

public sealed class GateLaneTests
{
    [Fact]
    public async Task EnterAsync_SlotFreedWithItsAnswer_IsTakenAtOnce()
    {
        HeldStore store = new();
        var limits = For(Limits(concurrency: 2));
        GateLane lane = new(Key, new(store, "p0", () => limits, new VirtualTime(), static () => 0, NullLogger.Instance));
        var first = (await lane.EnterAsync(Ask("a"), CancellationToken.None)).Pass!;
        await lane.EnterAsync(Ask("b"), CancellationToken.None);
        // Who is first, the waiter or the slot, is a matter of microseconds.
        for (var round = 0; round < 50; round++)
        {
            TaskCompletionSource held = new();
            store.Held = held.Task;
            var before = lane.RenewAsync();
            var waiting = lane.EnterAsync(Ask("c"), CancellationToken.None);
            var left = lane.LeaveAsync(first, Answered());

            // The two go out together.
            held.SetResult();

            await Task.WhenAll(before, left);
            first = (await waiting.WaitAsync(TimeSpan.FromSeconds(5))).Pass!;
            Assert.NotNull(first);
        }
    }

    private sealed class HeldStore : IGateStore
    {
        private readonly MemoryGateStore _inner = new(static () => 0, static () => 1, static _ => null);

        public Task Held { get; set; } = Task.CompletedTask;

        public async Task<GateTurn> UpdateAsync(GateKey key, IReadOnlyCollection<string> tickets, GateChange change)
        {
            await Held;
            return await _inner.UpdateAsync(key, tickets, change);
        }
    }
}
