using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace LlmWorkflow.Engine.Expressions;

/// <summary>Regular expressions of <c>matches</c>, compiled once.</summary>
internal static class ExpressionPatterns
{
    /// <summary>Longest pattern, in characters.</summary>
    public const int MaxLength = 500;

    /// <summary>How long one match may take. Only patterns with look-around or back-references can backtrack, and only those come near it.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromMilliseconds(100);

    // Patterns are constants of definitions; those that an expression makes must not fill the memory.
    private const int MaxCached = 256;

    private static readonly ConcurrentDictionary<string, Regex> s_cache = new(StringComparer.Ordinal);

    /// <summary>The compiled pattern, or what is wrong with it.</summary>
    public static bool TryGet(string pattern, [NotNullWhen(true)] out Regex? regex, [NotNullWhen(false)] out string? problem)
    {
        problem = null;
        if (s_cache.TryGetValue(pattern, out regex))
        {
            return true;
        }

        if (pattern.Length > MaxLength)
        {
            problem = $"The pattern is longer than {MaxLength} characters";
            return false;
        }

        try
        {
            regex = Compile(pattern);
        }
        catch (ArgumentException exception)
        {
            problem = $"The pattern is no regular expression ({exception.Message.TrimEnd('.')})";
            return false;
        }

        if (s_cache.Count >= MaxCached)
        {
            s_cache.Clear();
        }

        s_cache[pattern] = regex;
        return true;
    }

    private static Regex Compile(string pattern)
    {
        try
        {
            return new Regex(pattern, RegexOptions.CultureInvariant | RegexOptions.NonBacktracking, Timeout);
        }
        catch (NotSupportedException)
        {
            return new Regex(pattern, RegexOptions.CultureInvariant, Timeout);
        }
    }
}
