using System.Text.Json.Nodes;
using LlmWorkflow.Simulator.Completions;
using LlmWorkflow.Simulator.Services;

namespace LlmWorkflow.Simulator.Places;

/// <summary>The Places API (New) under <c>/places</c>: <c>POST /v1/places:searchNearby</c>, <c>POST /v1/places:searchText</c>, <c>GET /v1/places/{id}</c>.</summary>
internal sealed class PlacesProtocol() : ServiceProtocol("google_places", "/places", "key")
{
    private const string DetailsPath = "/v1/places/";

    public override string? KeyOf(HttpRequest request) => Given(request.Headers["X-Goog-Api-Key"]) ?? Given(request.Query["key"]);

    public override ServiceAnswer Answer(ServiceRequest request)
    {
        if (request.Key is not { } key)
        {
            return RpcError.NoKey.Answer();
        }

        if (!ApiKeys.IsKnown(key))
        {
            return RpcError.InvalidKey.Answer();
        }

        return (request.Method, request.Path) switch
        {
            ("POST", "/v1/places:searchNearby") => Masked(request, MaskOf.Nearby, mask => Nearby(request.Body, mask)),
            ("POST", "/v1/places:searchText") => Masked(request, MaskOf.Text, mask => Text(request.Body, mask)),
            ("GET", var path) when path.StartsWith(DetailsPath, StringComparison.Ordinal) =>
                Masked(request, MaskOf.Place, mask => Details(path[DetailsPath.Length..], mask)),
            _ => RpcError.OfStatus(StatusCodes.Status404NotFound).Answer(),
        };
    }

    public override ServiceAnswer Error(int? status, string? code, string? note)
    {
        var error = RpcError.Of(status, code);
        return (note is null ? error : error with { Message = $"{error.Message} {note}" }).Answer();
    }

    // The new API has no such thing; the one before it (maps.googleapis.com) tells all its errors so.
    public override JsonObject ErrorUnder200(string? code, string? note) => new()
    {
        ["error_message"] = $"The provided API key is invalid.{(note is null ? "" : $" {note}")}",
        ["html_attributions"] = new JsonArray(),
        ["results"] = new JsonArray(),
        ["status"] = code ?? "REQUEST_DENIED",
    };

    private static ServiceAnswer Masked(ServiceRequest request, MaskOf of, Func<FieldMask, ServiceAnswer> answer)
    {
        if ((Given(request.Http.Headers["X-Goog-FieldMask"]) ?? request.Query("$fields") ?? request.Query("fields")) is not { } fields)
        {
            return RpcError.NoFieldMask.Answer();
        }

        var (mask, unknown) = FieldMask.Parse(fields, of);
        return mask is null ? RpcError.UnknownField(unknown!).Answer() : answer(mask);
    }

    private static ServiceAnswer Nearby(string body, FieldMask mask)
    {
        var (request, fault) = NearbySearchRequest.Read(body);
        return request is null ? RpcError.Invalid(fault!).Answer() : ServiceAnswer.Ok(mask.Apply(PlaceDirectory.Search(request)));
    }

    private static ServiceAnswer Text(string body, FieldMask mask)
    {
        var (request, fault) = TextSearchRequest.Read(body);
        if (request is null)
        {
            return RpcError.Invalid(fault!).Answer();
        }

        var found = PlaceDirectory.Search(request);
        var page = found.Skip(request.Offset).Take(request.PageSize).ToList();
        var end = request.Offset + page.Count;
        var reply = mask.Apply(page);
        if (mask.HasNextPageToken && end < found.Count)
        {
            reply["nextPageToken"] = request.TokenFor(end);
        }

        return ServiceAnswer.Ok(reply);
    }

    private static ServiceAnswer Details(string id, FieldMask mask) => PlaceId.Parse(id) switch
    {
        { } known => ServiceAnswer.Ok(mask.Apply(PlaceDirectory.Find(known))),
        null when PlaceId.LooksLikeOne(id) => RpcError.NoLongerValid.Answer(),
        null => RpcError.Invalid($"Not a valid Place ID: {id}").Answer(),
    };
}
