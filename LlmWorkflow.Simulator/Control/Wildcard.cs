namespace LlmWorkflow.Simulator.Control;

/// <summary>Compares a whole text, ignoring case, with a pattern in which <c>*</c> stands for anything.</summary>
internal static class Wildcard
{
    public static bool Matches(string pattern, string text)
    {
        var parts = pattern.Split('*');
        if (parts.Length == 1)
        {
            return text.Equals(pattern, StringComparison.OrdinalIgnoreCase);
        }

        if (!text.StartsWith(parts[0], StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        var position = parts[0].Length;
        foreach (var part in parts.AsSpan(1, parts.Length - 2))
        {
            var found = text.IndexOf(part, position, StringComparison.OrdinalIgnoreCase);
            if (found < 0)
            {
                return false;
            }

            position = found + part.Length;
        }

        return text.Length - parts[^1].Length >= position && text.EndsWith(parts[^1], StringComparison.OrdinalIgnoreCase);
    }
}
