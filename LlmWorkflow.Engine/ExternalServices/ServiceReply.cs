using System.Text.Json;

namespace LlmWorkflow.Engine.ExternalServices;

/// <summary>What a service answered to one request, whatever its status.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Body">The JSON; Undefined when there is none or it is none.</param>
/// <param name="ContentType">As the service named it; null: it did not.</param>
/// <param name="RetryAfter">Seconds that it asks to wait; null: it does not.</param>
internal sealed record ServiceReply(int Status, JsonElement Body, string? ContentType, double? RetryAfter)
{
    /// <summary>There was not a byte of body: a success without one is none the less a success.</summary>
    public bool IsEmpty { get; init; }

    /// <summary>The service calls its reply JSON, or says nothing about it.</summary>
    public bool IsCalledJson => ContentType is null || ContentType.EndsWith("json", StringComparison.OrdinalIgnoreCase);

    /// <summary>HTTP status of success.</summary>
    public bool IsSuccessStatus => Status is >= 200 and < 300;
}
