using System.Security.Cryptography;
using System.Text;
using LlmWorkflow.Simulator.Ledger;

namespace LlmWorkflow.Simulator.Completions;

/// <summary>How a model caches prompts.</summary>
/// <param name="Marked">Only prefixes that the caller marked (Anthropic); else every long prompt's (OpenAI).</param>
/// <param name="LeastTokens">Shorter prefixes are not cached.</param>
/// <param name="ReportsWrites">Written tokens are a kind of their own.</param>
internal sealed record CacheRules(bool Marked, int LeastTokens, bool ReportsWrites)
{
    /// <summary>Nothing is cached.</summary>
    public static readonly CacheRules Off = new(Marked: true, int.MaxValue, ReportsWrites: false);
}

/// <summary>What the cache does for one prompt.</summary>
/// <param name="Usage">The prompt's tokens by kind, without output.</param>
/// <param name="Prefixes">What is in the cache once the model has read the prompt.</param>
internal sealed record CachePlan(TokenUsage Usage, IReadOnlyList<CachedPrefix> Prefixes);

/// <summary>A prefix by its content, and how long it lasts.</summary>
internal sealed record CachedPrefix(string Key, CacheLifetime Lifetime);

/// <summary>
/// Prompts' beginnings that were seen, by their content and by who sent them to which model. What is marked is written the first time and
/// read the next, whole parts only; what is cached unasked is matched in steps of <see cref="AutomaticStep"/> tokens.
/// </summary>
internal sealed class PromptCache(TimeProvider time)
{
    /// <summary>OpenAI's step of automatic caching, in tokens.</summary>
    public const int AutomaticStep = 128;

    // Before a mark, so many earlier parts are looked at, as with Anthropic.
    private const int LookBack = 20;
    private const int Capacity = 100_000;

    private readonly Lock gate = new();
    private readonly Dictionary<string, DateTimeOffset> expiries = new(StringComparer.Ordinal);

    /// <param name="prompt">The prompt.</param>
    /// <param name="owner">Prefixes are shared by calls with the same owner: provider, key and model.</param>
    /// <param name="rules">How the model caches.</param>
    public CachePlan Plan(ChatPrompt prompt, string owner, CacheRules rules)
    {
        if (prompt.InputTokens < rules.LeastTokens)
        {
            return new CachePlan(new TokenUsage { Input = prompt.InputTokens }, []);
        }

        lock (gate)
        {
            return rules.Marked ? PlanMarked(prompt, owner, rules) : PlanAutomatic(prompt, owner, rules);
        }
    }

    /// <summary>The model has read the prompt: what was planned can be read from now on.</summary>
    public void Commit(CachePlan plan)
    {
        lock (gate)
        {
            var now = time.GetUtcNow();
            if (expiries.Count > Capacity)
            {
                foreach (var key in expiries.Where(entry => entry.Value <= now).Select(entry => entry.Key).ToList())
                {
                    expiries.Remove(key);
                }
            }

            foreach (var prefix in plan.Prefixes)
            {
                expiries[prefix.Key] = now + (prefix.Lifetime is CacheLifetime.OneHour ? TimeSpan.FromHours(1) : TimeSpan.FromMinutes(5));
            }
        }
    }

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        lock (gate)
        {
            expiries.Clear();
        }
    }

    private CachePlan PlanMarked(ChatPrompt prompt, string owner, CacheRules rules)
    {
        var ends = Ends(prompt.Blocks, owner);
        List<int> marks = [.. Enumerable.Range(0, ends.Count).Where(index => prompt.Blocks[index].Cache is not null && ends[index].Tokens >= rules.LeastTokens)];
        var hit = -1;
        foreach (var mark in marks)
        {
            for (var index = mark; index >= Math.Max(0, mark - LookBack); index--)
            {
                if (IsCached(ends[index].Key))
                {
                    hit = Math.Max(hit, index);
                    break;
                }
            }
        }

        var read = hit < 0 ? 0 : ends[hit].Tokens;
        var (from, write5m, write1h) = (read, 0, 0);
        List<CachedPrefix> prefixes = hit < 0 ? [] : [new(ends[hit].Key, prompt.Blocks[hit].Cache ?? CacheLifetime.FiveMinutes)];
        foreach (var mark in marks.Where(mark => mark > hit))
        {
            var lifetime = prompt.Blocks[mark].Cache!.Value;
            var written = ends[mark].Tokens - from;
            (write5m, write1h) = lifetime is CacheLifetime.OneHour ? (write5m, write1h + written) : (write5m + written, write1h);
            from = ends[mark].Tokens;
            prefixes.Add(new(ends[mark].Key, lifetime));
        }

        return new CachePlan(
            new TokenUsage { Input = prompt.InputTokens - from, CacheRead = read, CacheWrite5m = write5m, CacheWrite1h = write1h }, prefixes);
    }

    private CachePlan PlanAutomatic(ChatPrompt prompt, string owner, CacheRules rules)
    {
        var bytes = Encoding.UTF8.GetBytes(prompt.Text);
        List<CachedPrefix> prefixes = [];
        var (read, written) = (0, 0);
        using var hash = Begin(owner);
        for (int tokens = AutomaticStep, at = 0; tokens <= prompt.InputTokens; tokens += AutomaticStep)
        {
            var end = Math.Min(bytes.Length, tokens * TokenEstimate.BytesPerToken);
            hash.AppendData(bytes, at, end - at);
            at = end;
            if (tokens < rules.LeastTokens)
            {
                continue;
            }

            var key = Convert.ToHexString(hash.GetCurrentHash());
            read = IsCached(key) ? tokens : read;
            written = tokens;
            prefixes.Add(new(key, CacheLifetime.FiveMinutes));
        }

        var write = rules.ReportsWrites ? written - read : 0;
        return new CachePlan(new TokenUsage { Input = prompt.InputTokens - read - write, CacheRead = read, CacheWrite5m = write }, prefixes);
    }

    // Each part's end, counted and hashed from the prompt's beginning.
    private static List<(string Key, int Tokens)> Ends(IReadOnlyList<PromptBlock> blocks, string owner)
    {
        List<(string Key, int Tokens)> ends = [];
        using var hash = Begin(owner);
        var (message, text, before) = (-1, "", 0);
        foreach (var block in blocks)
        {
            if (block.Message != message)
            {
                before = ends.Count == 0 ? 0 : ends[^1].Tokens;
                (message, text) = (block.Message, "");
            }

            text += block.Text;
            hash.AppendData(Encoding.UTF8.GetBytes($"{block.Message}\n{block.Text.Length}\n{block.Text}"));
            ends.Add((Convert.ToHexString(hash.GetCurrentHash()), before + TokenEstimate.PerMessage + TokenEstimate.OfText(text)));
        }

        return ends;
    }

    private static IncrementalHash Begin(string owner)
    {
        var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(owner + "\n"));
        return hash;
    }

    private bool IsCached(string key) => expiries.TryGetValue(key, out var until) && until > time.GetUtcNow();
}
