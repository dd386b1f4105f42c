using System.Text.Json;
using LlmWorkflow.Simulator.Ledger;

namespace LlmWorkflow.Simulator.Control;

/// <summary>A call that stands still.</summary>
internal sealed record HeldCall
{
    /// <summary>Name of the hold.</summary>
    public required string Hold { get; init; }

    public required HoldPoint Point { get; init; }

    /// <summary>The call, as in the ledger.</summary>
    public required string CallId { get; init; }

    public required string Path { get; init; }

    public string? Model { get; init; }

    /// <summary>Since when.</summary>
    public required DateTimeOffset At { get; init; }
}

/// <summary>The answer of <c>GET /_control/holds</c>.</summary>
/// <param name="Reached">At least as many are held as were waited for.</param>
/// <param name="Held">In the order in which they came.</param>
internal sealed record HoldView(bool Reached, IReadOnlyList<HeldCall> Held);

/// <summary>The answer of a release.</summary>
/// <param name="Released">How many calls go on.</param>
internal sealed record ReleaseView(int Released);

/// <summary>Calls that stand still until they are released or their clients are gone.</summary>
internal sealed class HoldBook(TimeProvider time)
{
    private readonly Lock gate = new();
    private readonly List<Stop> stops = [];
    private TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Stands still if that is asked for there.</summary>
    /// <exception cref="OperationCanceledException">The client is gone.</exception>
    public Task HoldAsync(UpstreamCall call, Behavior settings, HoldPoint point, CancellationToken gone)
    {
        if (settings.Hold != point)
        {
            return Task.CompletedTask;
        }

        var name = settings.HoldId ?? JsonSerializer.SerializeToElement(point, SimulatorJson.Wire.HoldPoint).GetString()!;
        return HoldAsync(new HeldCall { Hold = name, Point = point, CallId = call.Id, Path = call.Path, Model = call.Model, At = time.GetUtcNow() }, gone);
    }

    private async Task HoldAsync(HeldCall call, CancellationToken gone)
    {
        var stop = new Stop(call, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        Change(() => stops.Add(stop));
        try
        {
            await stop.Released.Task.WaitAsync(gone);
        }
        finally
        {
            Change(() => stops.Remove(stop));
        }
    }

    /// <summary>Those held now, once there are so many or the time is over.</summary>
    /// <param name="hold">Name of the hold; null: any.</param>
    /// <param name="count">How many to wait for.</param>
    /// <param name="timeout">Longest wait.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public async Task<HoldView> WaitAsync(string? hold, int count, TimeSpan timeout, CancellationToken cancellation)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var over = Task.Delay(timeout, time, ending.Token);
        while (true)
        {
            var (held, change) = Read(hold);
            if (held.Count >= count || over.IsCompleted)
            {
                await ending.CancelAsync();
                cancellation.ThrowIfCancellationRequested();
                return new HoldView(held.Count >= count, held);
            }

            await Task.WhenAny(change, over);
        }
    }

    /// <summary>Lets calls go on, the longest held first.</summary>
    /// <param name="hold">Name of the hold; null: any.</param>
    /// <param name="most">How many.</param>
    public ReleaseView Release(string? hold, int most = int.MaxValue)
    {
        lock (gate)
        {
            List<Stop> released = [.. stops.Where(stop => (hold ?? stop.Call.Hold) == stop.Call.Hold && !stop.Released.Task.IsCompleted).Take(most)];
            released.ForEach(stop => stop.Released.SetResult());
            return new ReleaseView(released.Count);
        }
    }

    private (IReadOnlyList<HeldCall> Held, Task Change) Read(string? hold)
    {
        lock (gate)
        {
            return ([.. stops.Where(stop => (hold ?? stop.Call.Hold) == stop.Call.Hold && !stop.Released.Task.IsCompleted).Select(stop => stop.Call)], changed.Task);
        }
    }

    private void Change(Action change)
    {
        TaskCompletionSource before;
        lock (gate)
        {
            change();
            before = changed;
            changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        before.SetResult();
    }

    private sealed record Stop(HeldCall Call, TaskCompletionSource Released);
}
