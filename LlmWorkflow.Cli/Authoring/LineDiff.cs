using System.Globalization;

namespace LlmWorkflow.Cli.Authoring;

/// <summary>A line of a unified diff, with its mark: ' ', '-', '+', or '@' and 'f' for the heads of a part and of a file.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">As printed.</param>
internal readonly record struct DiffLine(char Kind, string Text);

/// <summary>The difference of two texts as <c>diff -u</c> prints it.</summary>
internal static class LineDiff
{
    private const int Context = 3;

    // Lines changed on one side times those on the other. Above it the changed part counts as replaced as a whole: true, if not the shortest.
    private const long MaxCells = 4_000_000;

    /// <summary>The lines of the diff; empty when both are the same.</summary>
    public static IReadOnlyList<DiffLine> Of(string before, string after, string beforeName, string afterName)
    {
        var edits = Edits(Lines(before), Lines(after));
        List<DiffLine> diff = [];
        var at = 0;
        while (NextChange(edits, at) is var first and >= 0)
        {
            var end = first;
            for (var next = first; next >= 0 && next <= end + (2 * Context); next = NextChange(edits, end))
            {
                end = next + 1;
            }

            Hunk(edits, Math.Max(first - Context, at), Math.Min(end + Context, edits.Count), diff);
            at = end;
        }

        return diff.Count == 0 ? [] : [new('f', $"--- {beforeName}"), new('f', $"+++ {afterName}"), .. diff];
    }

    private static void Hunk(List<Edit> edits, int start, int end, List<DiffLine> diff)
    {
        var hunk = edits[start..end];
        var old = hunk.Count(edit => edit.Kind is not '+');
        var fresh = hunk.Count(edit => edit.Kind is not '-');
        diff.Add(new('@', $"@@ -{Range(edits.Take(start).Count(edit => edit.Kind is not '+'), old)} +{Range(edits.Take(start).Count(edit => edit.Kind is not '-'), fresh)} @@"));
        foreach (var (kind, line) in hunk)
        {
            diff.Add(new(kind, kind + line.TrimEnd('\n')));
            if (!line.EndsWith('\n'))
            {
                diff.Add(new(kind, "\\ No newline at end of file"));
            }
        }
    }

    // A part of no lines is named by the line before it.
    private static string Range(int before, int count) => count == 1
        ? (before + 1).ToString(CultureInfo.InvariantCulture)
        : string.Create(CultureInfo.InvariantCulture, $"{(count == 0 ? before : before + 1)},{count}");

    private static int NextChange(List<Edit> edits, int from) => edits.FindIndex(from, edit => edit.Kind is not ' ');

    private static List<string> Lines(string text)
    {
        List<string> lines = [];
        for (var at = 0; at < text.Length;)
        {
            var end = text.IndexOf('\n', at) is var found and >= 0 ? found + 1 : text.Length;
            lines.Add(text[at..end]);
            at = end;
        }

        return lines;
    }

    private static List<Edit> Edits(List<string> before, List<string> after)
    {
        var head = 0;
        while (head < before.Count && head < after.Count && before[head] == after[head])
        {
            head++;
        }

        var tail = 0;
        while (tail < before.Count - head && tail < after.Count - head && before[^(tail + 1)] == after[^(tail + 1)])
        {
            tail++;
        }

        return
        [
            .. before.Take(head).Select(line => new Edit(' ', line)),
            .. Middle(before[head..(before.Count - tail)], after[head..(after.Count - tail)]),
            .. before.TakeLast(tail).Select(line => new Edit(' ', line)),
        ];
    }

    private static IEnumerable<Edit> Middle(List<string> before, List<string> after)
    {
        if ((long)before.Count * after.Count > MaxCells)
        {
            return before.Select(line => new Edit('-', line)).Concat(after.Select(line => new Edit('+', line)));
        }

        // Longest common subsequence of what is left from each pair of lines on.
        var width = after.Count + 1;
        var common = new int[(before.Count + 1) * width];
        for (var i = before.Count - 1; i >= 0; i--)
        {
            for (var j = after.Count - 1; j >= 0; j--)
            {
                common[(i * width) + j] = before[i] == after[j] ? common[((i + 1) * width) + j + 1] + 1 : Math.Max(common[((i + 1) * width) + j], common[(i * width) + j + 1]);
            }
        }

        List<Edit> edits = [];
        for (int i = 0, j = 0; i < before.Count || j < after.Count;)
        {
            if (i < before.Count && j < after.Count && before[i] == after[j])
            {
                edits.Add(new(' ', before[i++]));
                j++;
            }
            else if (j >= after.Count || (i < before.Count && common[((i + 1) * width) + j] >= common[(i * width) + j + 1]))
            {
                edits.Add(new('-', before[i++]));
            }
            else
            {
                edits.Add(new('+', after[j++]));
            }
        }

        return edits;
    }

    private readonly record struct Edit(char Kind, string Line);
}
