namespace LlmWorkflow.Engine;

/// <summary>Limits that hold for a whole process.</summary>
public static class ProcessLimits
{
    private static readonly TimeSpan RegexTime = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Gives every regular expression without a time limit of its own one of 2 s: <c>pattern</c>s in JSON Schemas come from authors, and the schema library sets
    /// none. To be called before anything else, because .NET reads it once.
    /// </summary>
    public static void Apply() => AppDomain.CurrentDomain.SetData("REGEX_DEFAULT_MATCH_TIMEOUT", RegexTime);
}
