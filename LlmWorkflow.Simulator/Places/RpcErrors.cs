using System.Text.Json.Serialization;

namespace LlmWorkflow.Simulator.Places;

/// <summary>An error of Google's APIs (google.rpc.Status as JSON).</summary>
internal sealed record RpcErrorReply(RpcError Error);

internal sealed record RpcError(int Code, string Message, string Status)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<BadRequestDetail>? Details { get; init; }

    public static readonly RpcError NoKey = new(
        403,
        "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer identity to call this API.",
        "PERMISSION_DENIED");

    public static readonly RpcError NoFieldMask = new(
        400,
        "FieldMask is a required parameter. See https://cloud.google.com/apis/docs/system-parameters on how to provide it. As an example, you can set the header 'X-Goog-FieldMask' with value 'places.displayName' to ask for the display name.",
        "INVALID_ARGUMENT");

    public static RpcError UnknownField(string path)
    {
        var description = $"Error expanding 'fields' parameter. Cannot find matching fields for path '{path}'.";
        return new RpcError(400, "Request contains an invalid argument.", "INVALID_ARGUMENT")
        {
            Details = [new BadRequestDetail([new FieldViolation(path, description)])],
        };
    }

    public static RpcError Invalid(string message) => new(400, message, "INVALID_ARGUMENT");

    public static RpcError OfStatus(int status) => status switch
    {
        401 => new(status, "Request had invalid authentication credentials.", "UNAUTHENTICATED"),
        403 => new(status, "The caller does not have permission", "PERMISSION_DENIED"),
        404 => new(status, "Requested entity was not found.", "NOT_FOUND"),
        429 => new(status, "Quota exceeded for quota metric 'SearchNearbyRequest' and limit 'SearchNearbyRequest per minute'.", "RESOURCE_EXHAUSTED"),
        503 => new(status, "The service is currently unavailable.", "UNAVAILABLE"),
        504 => new(status, "Deadline expired before operation could complete.", "DEADLINE_EXCEEDED"),
        < 500 => new(status, "Request contains an invalid argument.", "INVALID_ARGUMENT"),
        _ => new(status, "Internal error encountered.", "INTERNAL"),
    };
}

internal sealed record BadRequestDetail([property: JsonPropertyName("fieldViolations")] IReadOnlyList<FieldViolation> FieldViolations)
{
    [JsonPropertyName("@type")]
    public string Type => "type.googleapis.com/google.rpc.BadRequest";
}

internal sealed record FieldViolation(string Field, string Description);
