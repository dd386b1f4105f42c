namespace LlmWorkflow.Engine.Diagnostics;

/// <summary>Finds the names that a misspelt one most likely meant.</summary>
public static class NearestNames
{
    private const int LongestName = 100;

    /// <summary>Up to <paramref name="count"/> candidates within a few edits of <paramref name="name"/>, nearest first; empty when none is near.</summary>
    public static IReadOnlyList<string> Find(string name, IEnumerable<string> candidates, int count = 3)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(candidates);
        if (name.Length > LongestName)
        {
            return [];
        }

        int limit = Math.Max(1, name.Length / 3) + 1;
        return [.. candidates
            .Where(candidate => candidate.Length <= LongestName)
            .Distinct(StringComparer.Ordinal)
            .Select(candidate => (Name: candidate, Distance: Score(name, candidate)))
            .Where(scored => scored.Distance <= limit)
            .OrderBy(scored => scored.Distance)
            .ThenBy(scored => scored.Name, StringComparer.Ordinal)
            .Take(count)
            .Select(scored => scored.Name)];
    }

    /// <summary>A sentence such as <c>Did you mean 'city'?</c>; without a near name, the names that exist (at most ten); null when there are none.</summary>
    public static string? Suggest(string name, IReadOnlyCollection<string> candidates)
    {
        ArgumentNullException.ThrowIfNull(candidates);
        IReadOnlyList<string> nearest = Find(name, candidates);
        if (nearest.Count > 0)
        {
            return $"Did you mean {string.Join(" or ", nearest.Select(near => $"'{near}'"))}?";
        }

        return candidates.Count switch
        {
            0 => null,
            <= 10 => $"There is: {string.Join(", ", candidates.Order(StringComparer.Ordinal))}.",
            _ => $"There is: {string.Join(", ", candidates.Order(StringComparer.Ordinal).Take(10))}, and {candidates.Count - 10} more.",
        };
    }

    private static int Score(string name, string candidate)
    {
        int distance = Distance(name.ToUpperInvariant(), candidate.ToUpperInvariant());
        bool contained = name.Length >= 3 && candidate.Contains(name, StringComparison.OrdinalIgnoreCase);
        return contained ? Math.Min(distance, 2) : distance;
    }

    private static int Distance(string left, string right)
    {
        int[] previous = [.. Enumerable.Range(0, right.Length + 1)];
        int[] current = new int[right.Length + 1];
        for (int i = 1; i <= left.Length; i++)
        {
            current[0] = i;
            for (int j = 1; j <= right.Length; j++)
            {
                int change = left[i - 1] == right[j - 1] ? 0 : 1;
                current[j] = Math.Min(Math.Min(current[j - 1] + 1, previous[j] + 1), previous[j - 1] + change);
            }

            (previous, current) = (current, previous);
        }

        return previous[right.Length];
    }
}
