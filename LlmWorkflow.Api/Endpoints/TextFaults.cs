using System.Text.Json;
using LlmWorkflow.Client.Contracts;

namespace LlmWorkflow.Api.Endpoints;

/// <summary>Finds text that is legal JSON and that no Postgres text can hold: NUL, and half of a surrogate pair.</summary>
internal static class TextFaults
{
    private const int Most = 20;

    /// <summary>Adds an issue for each such string or name, at most 20.</summary>
    public static void Find(JsonElement value, List<ProblemIssue> issues) => Find(value, "", issues);

    /// <summary>A name as part of a JSON pointer (RFC 6901).</summary>
    public static string Escape(string name) =>
        name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);

    private static void Find(JsonElement value, string pointer, List<ProblemIssue> issues)
    {
        if (issues.Count >= Most)
        {
            return;
        }

        switch (value.ValueKind)
        {
            case JsonValueKind.String:
                Check(value.GetString, pointer, issues);
                break;
            case JsonValueKind.Array:
                var index = 0;
                foreach (var item in value.EnumerateArray())
                {
                    Find(item, $"{pointer}/{index++}", issues);
                }

                break;
            case JsonValueKind.Object:
                foreach (var property in value.EnumerateObject())
                {
                    // The fault is told at the object: the name itself cannot be.
                    if (Check(() => property.Name, pointer, issues) is { } name)
                    {
                        Find(property.Value, $"{pointer}/{Escape(name)}", issues);
                    }
                }

                break;
        }
    }

    private static string? Check(Func<string?> read, string pointer, List<ProblemIssue> issues)
    {
        try
        {
            var text = read() ?? "";
            if (!text.Contains('\0', StringComparison.Ordinal))
            {
                return text;
            }

            issues.Add(new() { Pointer = pointer, Message = "must not contain the NUL character (\\u0000)" });
        }
        catch (InvalidOperationException)
        {
            issues.Add(new() { Pointer = pointer, Message = "must not contain half of a surrogate pair (\\ud800 to \\udfff alone)" });
        }

        return null;
    }
}
