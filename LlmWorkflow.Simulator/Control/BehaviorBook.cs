using LlmWorkflow.Simulator.RateLimits;

namespace LlmWorkflow.Simulator.Control;

/// <summary>What the behavior entries look at in a call.</summary>
/// <param name="Path">Of the request.</param>
/// <param name="Model">The requested one; null for upstreams without models.</param>
/// <param name="Text">The prompt, or the body.</param>
internal sealed record CallFacts(string Path, string? Model, string Text)
{
    /// <summary>Who the provider's limits are for: provider and key.</summary>
    public string Account { get; init; } = "";

    /// <summary>The account's limit for a model when no entry sets one; null: none.</summary>
    public RateLimit? AccountLimit { get; init; }

    /// <summary>What the call takes from a limit of tokens.</summary>
    public int Tokens { get; init; }
}

/// <summary>What the behavior entries in force say about one call.</summary>
/// <param name="Settings">The matching entries' fields, the later entry winning.</param>
/// <param name="Fails">The call is one of those that get the error.</param>
/// <param name="Rate">What the limit says; null: there is none.</param>
internal sealed record CallBehavior(Behavior Settings, bool Fails, RateDecision? Rate);

/// <summary>The behavior entries in force. Chance is seeded anew with every change, so that a run can be repeated.</summary>
internal sealed class BehaviorBook(TimeProvider time)
{
    private const int Seed = 20_261_121;

    private readonly Lock gate = new();
    private readonly Dictionary<string, RateLimiter> accounts = new(StringComparer.Ordinal);
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
            entries = [.. behaviors.Select(behavior => new Entry(behavior))];
            chance = new Random(Seed);
        }
    }

    /// <summary>Decides about one call, and counts it against the rate limit and the entries' own counts.</summary>
    public CallBehavior Decide(CallFacts call)
    {
        lock (gate)
        {
            List<Entry> matching = [.. entries.Where(entry => entry.IsFor(call))];
            var settings = matching.Aggregate(new Behavior(), (below, entry) => (entry.Behavior with { Reply = entry.Reply }).Over(below));
            var rate = Limiter(matching, call)?.Decide(call.Tokens);
            if (rate is { Limited: true })
            {
                return new CallBehavior(settings, Fails: false, rate);
            }

            var fails = Fails(settings);
            foreach (var entry in matching)
            {
                entry.Matched++;
                entry.Answered += fails ? 0 : 1;
            }

            return new CallBehavior(settings, fails, rate);
        }
    }

    private RateLimiter? Limiter(List<Entry> matching, CallFacts call)
    {
        var owner = $"{call.Account}\n{call.Model}";
        return matching.FindLast(entry => entry.Behavior is not { RequestsPerMinute: null, RateLimit: null }) switch
        {
            { Behavior.RateLimit: { } limit } entry => Of(entry.Limiters, owner, limit),
            { Behavior.RequestsPerMinute: { } most } entry =>
                Of(entry.Limiters, "", new RateLimit { RequestsPerMinute = most, Window = RateWindowKind.Sliding }),
            _ => call.AccountLimit is { } limit ? Of(accounts, owner, limit) : null,
        };
    }

    private RateLimiter Of(Dictionary<string, RateLimiter> limiters, string owner, RateLimit limit)
    {
        if (!limiters.TryGetValue(owner, out var limiter))
        {
            limiters.Add(owner, limiter = new RateLimiter(limit, time));
        }

        return limiter;
    }

    private bool Fails(Behavior settings) => settings switch
    {
        { ErrorRate: { } rate } => chance.NextDouble() < rate,
        _ => settings.ErrorStatus is not null || settings.ErrorCode is not null,
    };

    private sealed class Entry(Behavior behavior)
    {
        public Behavior Behavior => behavior;

        /// <summary>Calls that matched and were not over a limit.</summary>
        public int Matched { get; set; }

        /// <summary>Those of them that got no error: each takes one of the replies.</summary>
        public int Answered { get; set; }

        public Dictionary<string, RateLimiter> Limiters { get; } = new(StringComparer.Ordinal);

        public string? Reply => behavior.Replies is { Count: > 0 } replies ? replies[Math.Min(Answered, replies.Count - 1)] : behavior.Reply;

        public bool IsFor(CallFacts call) =>
            (behavior.Match?.Matches(call.Path, call.Model, call.Text) ?? true) && (behavior.Times is not { } most || Matched < most);
    }
}
