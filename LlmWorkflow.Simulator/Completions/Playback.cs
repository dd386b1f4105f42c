using LlmWorkflow.Simulator.Control;

namespace LlmWorkflow.Simulator.Completions;

/// <summary>How fast a reply comes.</summary>
/// <param name="Latency">Until the first token.</param>
/// <param name="TokensPerSecond">After it.</param>
internal sealed record Pace(TimeSpan Latency, double TokensPerSecond)
{
    private static readonly TimeSpan DefaultLatency = TimeSpan.FromMilliseconds(300);
    private const double DefaultTokensPerSecond = 400;

    public static Pace Of(Behavior behavior) => new(
        behavior.LatencyMs is { } ms ? TimeSpan.FromMilliseconds(ms) : DefaultLatency,
        behavior.TokensPerSecond ?? DefaultTokensPerSecond);

    /// <summary>When so many tokens have been produced.</summary>
    public TimeSpan Due(int tokens) => Latency + TimeSpan.FromSeconds(Math.Max(0, tokens - 1) / TokensPerSecond);

    /// <summary>How many tokens have been produced by then.</summary>
    public int Produced(TimeSpan elapsed) =>
        elapsed < Latency ? 0 : 1 + (int)Math.Min(int.MaxValue / 2, (elapsed - Latency).TotalSeconds * TokensPerSecond);
}

/// <summary>
/// Plays one reply in time. It only ever awaits timers, so that thousands of slow replies cost no threads, and sends what has
/// become due in one chunk at most every <see cref="Tick"/>, so that fast ones cost few writes. What was produced so far
/// stays readable when it is cancelled.
/// </summary>
internal sealed class Playback(TimeProvider time, Pace pace)
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(1);

    private readonly long started = time.GetTimestamp();

    /// <summary>Tokens that were sent.</summary>
    public int Sent { get; private set; }

    private TimeSpan Elapsed => time.GetElapsedTime(started);

    /// <summary>Tokens produced by now, of so many: what an unstreamed reply has cost when its client goes away.</summary>
    public int ProducedOf(int tokens) => Math.Min(tokens, pace.Produced(Elapsed));

    public Task WaitForAsync(int tokens, CancellationToken cancellation) => DelayUntilAsync(pace.Due(tokens), cancellation);

    /// <summary>Waits for the first token, and tells every second that it is still waited for.</summary>
    public async Task WaitForFirstAsync(Func<Task> stillWaiting, CancellationToken cancellation)
    {
        while (pace.Latency - Elapsed > KeepAlive)
        {
            await Task.Delay(KeepAlive, time, cancellation);
            await stillWaiting();
        }

        await DelayUntilAsync(pace.Latency, cancellation);
    }

    /// <summary>Sends so many tokens as they become due, each time from (inclusive) to (exclusive).</summary>
    public async Task SendAsync(int tokens, Func<int, int, Task> send, CancellationToken cancellation)
    {
        while (Sent < tokens)
        {
            var due = Math.Clamp(pace.Produced(Elapsed), Sent + 1, tokens);
            await DelayUntilAsync(pace.Due(due), cancellation);
            await send(Sent, due);
            Sent = due;

            var nextTick = Elapsed + Tick;
            await DelayUntilAsync(nextTick < pace.Due(tokens) ? nextTick : pace.Due(tokens), cancellation);
        }
    }

    private async Task DelayUntilAsync(TimeSpan due, CancellationToken cancellation)
    {
        var delay = due - Elapsed;
        if (delay > TimeSpan.Zero)
        {
            await Task.Delay(delay, time, cancellation);
        }

        cancellation.ThrowIfCancellationRequested();
    }
}
