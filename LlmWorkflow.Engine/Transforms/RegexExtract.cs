using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.Transforms;

/// <summary>
/// <c>regex_extract</c>. Patterns run without backtracking where they can (linear time); those with look-arounds or back-references backtrack. Either way all
/// matching together has <see cref="MaxSeconds"/>.
/// </summary>
internal static class RegexExtract
{
    /// <summary>Longest time for all matches, in seconds.</summary>
    public const int MaxSeconds = 2;

    /// <summary>Longest pattern, in characters.</summary>
    public const int MaxPattern = 4096;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(MaxSeconds);

    public static JsonElement Apply(TransformCall call)
    {
        string text = call.InputText();
        Regex regex = Compile(call);
        int group = Group(call, regex);
        if (call.Flag("all") == true)
        {
            return call.WriteArray(Matches(call, regex, text).Select(match => Value(match.Groups[group])));
        }

        Match? first = Matches(call, regex, text).FirstOrDefault();
        return first is null ? JsonValues.Null : call.Write(Value(first.Groups[group]).WriteTo);
    }

    private static JsonElement Value(Group group) => group.Success ? JsonValues.String(group.Value) : JsonValues.Null;

    private static IEnumerable<Match> Matches(TransformCall call, Regex regex, string text)
    {
        long start = TimeProvider.System.GetTimestamp();
        for (Match? match = Next(call, regex, text, null); match is { Success: true }; match = Next(call, regex, text, match))
        {
            call.CancellationToken.ThrowIfCancellationRequested();
            yield return match;
            if (TimeProvider.System.GetElapsedTime(start) > s_limit)
            {
                throw TooSlow(call);
            }
        }
    }

    private static Match Next(TransformCall call, Regex regex, string text, Match? last)
    {
        try
        {
            return last is null ? regex.Match(text) : last.NextMatch();
        }
        catch (RegexMatchTimeoutException)
        {
            throw TooSlow(call);
        }
    }

    private static WorkflowException TooSlow(TransformCall call) =>
        call.Fault($"the pattern takes more than {MaxSeconds} seconds on this text; write it without nested repetition", call.Parameter("pattern"));

    private static Regex Compile(TransformCall call)
    {
        string pattern = call.Text("pattern");
        if (pattern.Length > MaxPattern)
        {
            throw call.Fault($"the pattern has more than {MaxPattern} characters", call.Parameter("pattern"));
        }

        RegexOptions options = RegexOptions.CultureInvariant
            | (call.Flag("ignore_case") == true ? RegexOptions.IgnoreCase : RegexOptions.None)
            | (call.Flag("multiline") == true ? RegexOptions.Multiline : RegexOptions.None);
        try
        {
            return new Regex(pattern, options | RegexOptions.NonBacktracking, s_limit);
        }
        // Look-arounds, back-references, atomic groups, or an automaton that would grow too large.
        catch (NotSupportedException)
        {
            return new Regex(pattern, options, s_limit);
        }
        catch (ArgumentException exception)
        {
            throw call.Fault($"'pattern' is no regular expression ({exception.Message.TrimEnd('.')})", call.Parameter("pattern"));
        }
    }

    private static int Group(TransformCall call, Regex regex)
    {
        JsonElement asked = call.ValueOrDefault("group");
        int number = asked.ValueKind switch
        {
            JsonValueKind.Undefined => regex.GetGroupNumbers() is { Length: > 1 } groups ? groups[1] : 0,
            JsonValueKind.String => regex.GroupNumberFromName(asked.GetString()!),
            JsonValueKind.Number when asked.TryGetInt32(out int given) && regex.GetGroupNumbers().Contains(given) => given,
            _ => -1,
        };
        return number >= 0
            ? number
            : throw call.Fault(
                string.Create(CultureInfo.InvariantCulture, $"the pattern has no such 'group'; there is {string.Join(", ", regex.GetGroupNames())}"), asked);
    }
}
