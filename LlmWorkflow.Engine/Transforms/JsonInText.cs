using System.Text.Json;

namespace LlmWorkflow.Engine.Transforms;

/// <summary>JSON that was found in a text.</summary>
/// <param name="Value">The value.</param>
/// <param name="IsMended">Whether it was not quite JSON as it stood there.</param>
/// <param name="Length">How much of the text it takes, in characters.</param>
internal sealed record FoundJson(JsonElement Value, bool IsMended, int Length);

/// <summary>
/// Finds the JSON in a model's reply: the whole text, else the contents of a fence, else the longest object or array within prose. What is not quite JSON is
/// mended by <see cref="JsonMending"/>.
/// </summary>
internal static class JsonInText
{
    // How often the text may be read over: an attempt at each of very many brackets would take quadratic time.
    private const int MostReadings = 4;

    private const int LeastWork = 1024 * 1024;

    /// <summary>The JSON; null when there is none, or when it is broken in a way that cannot be mended with certainty.</summary>
    public static FoundJson? Find(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Whole(text)
            ?? Fences(text).Select(fence => Whole(fence) ?? Longest(fence)).Where(found => found is not null).MaxBy(found => found!.Length)
            ?? Longest(text);
    }

    private static FoundJson? Whole(string text)
    {
        string trimmed = text.Trim().Trim('\uFEFF');
        return JsonMending.Read(trimmed, 0, out int end) is { } json && string.IsNullOrWhiteSpace(trimmed[end..])
            && (json.Value.ValueKind is JsonValueKind.Object or JsonValueKind.Array || !json.IsMended)
            ? json
            : null;
    }

    /// <summary>Contents of fences that say nothing or JSON; one that is not closed runs to the end.</summary>
    private static IEnumerable<string> Fences(string text)
    {
        string? open = null;
        int from = 0;
        for (int at = 0; at < text.Length;)
        {
            int end = text.IndexOf('\n', at);
            int next = end < 0 ? text.Length : end + 1;
            string line = text.AsSpan(at, Math.Min(next - at, 200)).Trim().ToString();
            if (line.StartsWith("```", StringComparison.Ordinal) || line.StartsWith("~~~", StringComparison.Ordinal))
            {
                if (open is null)
                {
                    open = line.TrimStart('`', '~').Trim();
                    from = next;
                }
                else
                {
                    if (IsJson(open))
                    {
                        yield return text[from..at];
                    }

                    open = null;
                }
            }

            at = next;
        }

        if (open is not null && IsJson(open))
        {
            yield return text[from..];
        }
    }

    private static bool IsJson(string info) => info.Length == 0 || info.StartsWith("json", StringComparison.OrdinalIgnoreCase);

    private static FoundJson? Longest(string text)
    {
        FoundJson? best = null;
        long work = 0;
        long most = LeastWork + ((long)MostReadings * text.Length);
        for (int at = NextBracket(text, 0); at >= 0;)
        {
            FoundJson? found = JsonMending.Read(text, at, out int end);
            work += end - at;
            if (work > most || (found is null && LooksLikeJson(text.AsSpan(at))))
            {
                // What stands inside broken JSON is not what was meant.
                return null;
            }

            if (found is not null && SaysSomething(found.Value) && found.Length > (best?.Length ?? 0))
            {
                best = found;
            }

            at = NextBracket(text, found is null ? at + 1 : end);
        }

        return best;
    }

    private static int NextBracket(string text, int from)
    {
        int next = text.AsSpan(from).IndexOfAny('{', '[');
        return next < 0 ? -1 : from + next;
    }

    private static bool LooksLikeJson(ReadOnlySpan<char> text) => text[0] == '{' ? text[1..].TrimStart() is ['"', ..] : text[1..].TrimStart() is ['"' or '{', ..];

    /// <summary>Prose has brackets of its own: <c>[1]</c> is a citation and <c>[ ]</c> a box to tick.</summary>
    private static bool SaysSomething(JsonElement value) => value.ValueKind == JsonValueKind.Object
        ? value.EnumerateObject().MoveNext()
        : value.GetArrayLength() > 1 || value.EnumerateArray().Any(item => item.ValueKind is JsonValueKind.Object or JsonValueKind.Array or JsonValueKind.String);
}
