using System.Text.RegularExpressions;

namespace LlmWorkflow.Engine.Jobs;

/// <summary>Names of signals: they are part of a URL and of a definition.</summary>
public static partial class SignalName
{
    /// <summary>What a name may be, for messages.</summary>
    public const string Rule = "1 to 100 letters, digits, '_', '-', '.' and ':'";

    /// <summary>Whether it is one.</summary>
    public static bool IsValid(string text) => Pattern().IsMatch(text);

    [GeneratedRegex("^[A-Za-z0-9_.:-]{1,100}$", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
