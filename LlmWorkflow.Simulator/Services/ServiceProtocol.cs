using System.Text.Json.Nodes;
using LlmWorkflow.Simulator.RateLimits;

namespace LlmWorkflow.Simulator.Services;

/// <summary>A request to a simulated service, read.</summary>
/// <param name="Method">HTTP method.</param>
/// <param name="Path">Below the service's base path.</param>
/// <param name="Body">Empty when there is none.</param>
/// <param name="Key">As it was sent; null: none.</param>
/// <param name="Http">Headers and query.</param>
internal sealed record ServiceRequest(string Method, string Path, string Body, string? Key, HttpRequest Http)
{
    /// <summary>A query parameter; null when it is missing or blank.</summary>
    public string? Query(string name) => Http.Query[name].ToString() is { Length: > 0 } value && !string.IsNullOrWhiteSpace(value) ? value : null;
}

/// <summary>What a service answers.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Body">The JSON.</param>
internal sealed record ServiceAnswer(int Status, JsonObject Body)
{
    public bool IsError => Status >= StatusCodes.Status400BadRequest;

    public static ServiceAnswer Ok(JsonObject body) => new(StatusCodes.Status200OK, body);
}

/// <summary>What one service understands, and how it answers: the part of the simulator that differs from service to service.</summary>
/// <param name="name">As in the ledger.</param>
/// <param name="basePath">Begin of all its paths.</param>
/// <param name="keyParameters">Query parameters that hold the key.</param>
internal abstract class ServiceProtocol(string name, string basePath, params IReadOnlyList<string> keyParameters)
{
    public string Name => name;

    public string BasePath => basePath;

    public IReadOnlyList<string> KeyParameters => keyParameters;

    /// <summary>Milliseconds that an answer takes unless a behavior says otherwise.</summary>
    public virtual double DefaultLatencyMs => 60;

    /// <summary>The key, wherever the service takes it; null: none was sent.</summary>
    public abstract string? KeyOf(HttpRequest request);

    /// <summary>The reply, or what is wrong with the request: key, path or parameters.</summary>
    public abstract ServiceAnswer Answer(ServiceRequest request);

    /// <summary>An error that a behavior asks for.</summary>
    /// <param name="status">Null: what <paramref name="code"/> usually has, else 500.</param>
    /// <param name="code">In the service's own words; null: what <paramref name="status"/> usually has.</param>
    /// <param name="note">Added to the message; null: nothing.</param>
    public abstract ServiceAnswer Error(int? status, string? code, string? note);

    /// <summary>A body that tells of an error under status 200.</summary>
    public abstract JsonObject ErrorUnder200(string? code, string? note);

    /// <summary>The refusal of a call over a limit.</summary>
    public virtual ServiceAnswer Limited(RateDecision rate) => Error(StatusCodes.Status429TooManyRequests, code: null, note: null);

    /// <summary>Trimmed; null when blank.</summary>
    protected static string? Given(string? value) => string.IsNullOrWhiteSpace(value) ? null : value.Trim();
}
