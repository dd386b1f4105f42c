namespace LlmWorkflow.Simulator.Control;

/// <summary>What the behavior entries in force say about one call.</summary>
/// <param name="Settings">The matching entries' fields, the later entry winning.</param>
/// <param name="Fails">The call is one of those that get the error.</param>
/// <param name="Limit">Set when the call is over the rate limit.</param>
internal sealed record CallBehavior(Behavior Settings, bool Fails, RateLimitHit? Limit);

/// <summary>A call over the limit.</summary>
/// <param name="RequestsPerMinute">The limit.</param>
/// <param name="FreeAfter">Until the next call would be let through.</param>
internal sealed record RateLimitHit(int RequestsPerMinute, TimeSpan FreeAfter);

/// <summary>The behavior entries in force. Chance is seeded anew with every change, so that a run can be repeated.</summary>
internal sealed class BehaviorBook(TimeProvider time)
{
    private const int Seed = 20_261_121;

    private readonly Lock gate = new();
    private Entry[] entries = [];
    private Random chance = new(Seed);

    public Behavior[] Current
    {
        get
        {
            lock (gate)
            {
                return [.. entries.Select(entry => entry.Behavior)];
            }
        }
    }

    public void Replace(IEnumerable<Behavior> behaviors)
    {
        lock (gate)
        {
            entries = [.. behaviors.Select(behavior => new Entry(behavior, new SlidingWindow(time)))];
            chance = new Random(Seed);
        }
    }

    /// <summary>Decides about one call, and counts it against the rate limit.</summary>
    public CallBehavior Decide(string path, string? model, string text)
    {
        lock (gate)
        {
            var settings = new Behavior();
            Entry? limiting = null;
            foreach (var entry in entries.Where(entry => entry.Behavior.Match?.Matches(path, model, text) ?? true))
            {
                settings = Overlay(settings, entry.Behavior);
                limiting = entry.Behavior.RequestsPerMinute is null ? limiting : entry;
            }

            if (limiting is { Behavior.RequestsPerMinute: { } limit } && limiting.Window.TryEnter(limit) is { } freeAfter)
            {
                return new CallBehavior(settings, Fails: false, new RateLimitHit(limit, freeAfter));
            }

            return new CallBehavior(settings, Fails(settings), Limit: null);
        }
    }

    private bool Fails(Behavior settings) => settings switch
    {
        { ErrorRate: { } rate } => chance.NextDouble() < rate,
        _ => settings.ErrorStatus is not null,
    };

    private static Behavior Overlay(Behavior below, Behavior above) => new()
    {
        LatencyMs = above.LatencyMs ?? below.LatencyMs,
        TokensPerSecond = above.TokensPerSecond ?? below.TokensPerSecond,
        OutputTokens = above.OutputTokens ?? below.OutputTokens,
        ErrorStatus = above.ErrorStatus ?? below.ErrorStatus,
        ErrorRate = above.ErrorRate ?? below.ErrorRate,
        RetryAfter = above.RetryAfter ?? below.RetryAfter,
        RequestsPerMinute = above.RequestsPerMinute ?? below.RequestsPerMinute,
        CutAfterTokens = above.CutAfterTokens ?? below.CutAfterTokens,
        Reply = above.Reply ?? below.Reply,
    };

    private sealed record Entry(Behavior Behavior, SlidingWindow Window);
}
