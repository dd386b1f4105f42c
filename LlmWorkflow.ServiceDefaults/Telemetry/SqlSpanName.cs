using System.Collections.Concurrent;
using System.Text.RegularExpressions;

namespace LlmWorkflow.ServiceDefaults.Telemetry;

/// <summary>A span's name for a statement: what it does first, and to which table (<c>insert llm_workflow_jobs</c>).</summary>
internal static partial class SqlSpanName
{
    // Statements are constants, a few dozen; made-up ones must not fill the memory.
    private const int MostKept = 500;

    private static readonly ConcurrentDictionary<string, string?> Names = new(StringComparer.Ordinal);

    /// <summary>Null: Npgsql's own name.</summary>
    public static string? Of(string sql)
    {
        if (Names.TryGetValue(sql, out var known))
        {
            return known;
        }

        var name = Read(sql);
        if (Names.Count < MostKept)
        {
            Names.TryAdd(sql, name);
        }

        return name;
    }

    private static string? Read(string sql)
    {
        var change = Change().Match(sql);
        var match = change.Success ? change : Look().Match(sql);
        return match.Success ? $"{match.Groups["verb"].Value.ToLowerInvariant()} {match.Groups["table"].Value}" : null;
    }

    // A select that only feeds a change (for update skip locked) is not what the statement is for.
    [GeneratedRegex(@"\b(?<verb>insert)\s+into\s+(?<table>\w+)|\b(?<verb>delete)\s+from\s+(?<table>\w+)|\b(?<verb>update)\s+(?<table>(?!skip\b|nowait\b|of\b)\w+)\s+(?:\w+\s+)?set\b", RegexOptions.IgnoreCase)]
    private static partial Regex Change();

    [GeneratedRegex(@"\b(?<verb>select)\b.*?\b(?:from|join)\s+(?<table>[a-z_]\w*)(?!\w*\()", RegexOptions.IgnoreCase | RegexOptions.Singleline)]
    private static partial Regex Look();
}
