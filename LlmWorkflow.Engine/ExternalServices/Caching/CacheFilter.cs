namespace LlmWorkflow.Engine.ExternalServices.Caching;

/// <summary>Which kept replies; null: any.</summary>
/// <param name="Service">Service name.</param>
/// <param name="Operation">Operation name.</param>
/// <param name="Key">A <see cref="ReplyKey.Text"/>.</param>
internal sealed record CacheFilter(string? Service = null, string? Operation = null, string? Key = null)
{
    /// <summary>Whether a <see cref="ReplyKey.Text"/> is meant.</summary>
    public bool Matches(string key) =>
        (Key is null || Key == key)
        && key.Split(':') is [var service, var operation, ..]
        && (Service is null || Service == service)
        && (Operation is null || Operation == operation);

    /// <summary>As a message to the other processes.</summary>
    public string ToMessage() => string.Join('\n', Service, Operation, Key);

    /// <summary>Reads a message; what cannot be read means everything.</summary>
    public static CacheFilter Of(string? message) =>
        message?.Split('\n') is [var service, var operation, var key] ? new(Given(service), Given(operation), Given(key)) : new();

    private static string? Given(string text) => text.Length > 0 ? text : null;
}
