namespace LlmWorkflow.Simulator.Completions;

/// <summary>Which keys the simulated upstreams know: all but those that say that they are wrong.</summary>
internal static class ApiKeys
{
    /// <summary>A part of keys that are refused.</summary>
    public const string WrongMark = "wrong";

    public static bool IsKnown(string key) => !key.Contains(WrongMark, StringComparison.OrdinalIgnoreCase);

    /// <summary>The token of <c>Authorization: Bearer</c>, or null.</summary>
    public static string? Bearer(HttpRequest request) =>
        request.Headers.Authorization.ToString().Split(' ', 2) is [var scheme, var token]
        && scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase) && !string.IsNullOrWhiteSpace(token) ? token.Trim() : null;
}
