namespace LlmWorkflow.Engine.Definitions;

/// <summary>Texts of a definition as messages show them.</summary>
internal static class Shortened
{
    private const int Longest = 100;

    /// <summary>The text, cut where it would make a message unreadable.</summary>
    public static string Name(string text) => text.Length <= Longest ? text : text[..Longest] + "…";
}
