using System.Text.Json.Nodes;
using LlmWorkflow.Simulator.Services;

namespace LlmWorkflow.Simulator.Places;

/// <summary>An error of Google's APIs (google.rpc.Status as JSON).</summary>
/// <param name="Code">HTTP status.</param>
/// <param name="Message">For people.</param>
/// <param name="Status">Name of the google.rpc.Code.</param>
internal sealed record RpcError(int Code, string Message, string Status)
{
    private const string Domain = "googleapis.com";

    public static readonly RpcError NoKey = new(
        403,
        "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer identity to call this API.",
        "PERMISSION_DENIED");

    public static readonly RpcError InvalidKey = new(400, "API key not valid. Please pass a valid API key.", "INVALID_ARGUMENT")
    {
        Detail = static () => new JsonObject
        {
            ["@type"] = "type.googleapis.com/google.rpc.ErrorInfo",
            ["reason"] = "API_KEY_INVALID",
            ["domain"] = Domain,
            ["metadata"] = new JsonObject { ["service"] = $"places.{Domain}" },
        },
    };

    public static readonly RpcError NoFieldMask = new(
        400,
        "FieldMask is a required parameter. See https://cloud.google.com/apis/docs/system-parameters on how to provide it. As an example, you can set the header 'X-Goog-FieldMask' with value 'places.displayName' to ask for the display name.",
        "INVALID_ARGUMENT");

    public static readonly RpcError NoLongerValid = new(
        404,
        "The Place ID is no longer valid. Please refresh cached Place IDs as per https://developers.google.com/maps/documentation/places/web-service/place-id#save-id.",
        "NOT_FOUND");

    // The status that each code has, https://cloud.google.com/apis/design/errors#handling_errors.
    private static readonly Dictionary<string, int> Statuses = new(StringComparer.Ordinal)
    {
        ["INVALID_ARGUMENT"] = 400, ["FAILED_PRECONDITION"] = 400, ["OUT_OF_RANGE"] = 400, ["UNAUTHENTICATED"] = 401, ["PERMISSION_DENIED"] = 403,
        ["NOT_FOUND"] = 404, ["ABORTED"] = 409, ["ALREADY_EXISTS"] = 409, ["RESOURCE_EXHAUSTED"] = 429, ["CANCELLED"] = 499, ["INTERNAL"] = 500,
        ["UNKNOWN"] = 500, ["UNIMPLEMENTED"] = 501, ["UNAVAILABLE"] = 503, ["DEADLINE_EXCEEDED"] = 504,
    };

    /// <summary>Makes the one entry of <c>details</c>; null: there are none.</summary>
    public Func<JsonObject>? Detail { get; init; }

    /// <summary>An error by status, code or both; 500 without either.</summary>
    public static RpcError Of(int? status, string? code) => (status, code) switch
    {
        (_, "API_KEY_INVALID") => InvalidKey with { Code = status ?? InvalidKey.Code },
        (null, { } name) => OfStatus(Statuses.GetValueOrDefault(name, StatusCodes.Status500InternalServerError)) with { Status = name },
        ({ } number, { } name) => OfStatus(number) with { Status = name },
        _ => OfStatus(status ?? StatusCodes.Status500InternalServerError),
    };

    public static RpcError UnknownField(string path)
    {
        var description = $"Error expanding 'fields' parameter. Cannot find matching fields for path '{path}'.";
        return new RpcError(400, "Request contains an invalid argument.", "INVALID_ARGUMENT")
        {
            Detail = () => new JsonObject
            {
                ["@type"] = "type.googleapis.com/google.rpc.BadRequest",
                ["fieldViolations"] = new JsonArray(new JsonObject { ["field"] = path, ["description"] = description }),
            },
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

    /// <summary>As it is sent.</summary>
    public ServiceAnswer Answer()
    {
        var error = new JsonObject { ["code"] = Code, ["message"] = Message, ["status"] = Status };
        if (Detail is { } detail)
        {
            error["details"] = new JsonArray(detail());
        }

        return new ServiceAnswer(Code, new JsonObject { ["error"] = error });
    }
}
