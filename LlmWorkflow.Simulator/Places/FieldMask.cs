using System.Text.Json.Nodes;

namespace LlmWorkflow.Simulator.Places;

/// <summary>What a mask is over.</summary>
internal enum MaskOf
{
    /// <summary>The reply of a nearby search: <c>places.id</c>.</summary>
    Nearby,

    /// <summary>That of a text search, which has pages too: <c>places.id,nextPageToken</c>.</summary>
    Text,

    /// <summary>One place: <c>id</c>.</summary>
    Place,
}

/// <summary>
/// A field mask, such as <c>places.id,places.displayName.text</c>; <c>*</c> is everything. A field that exists
/// but that the simulator has no data for is accepted and yields nothing, as upstream.
/// </summary>
internal sealed class FieldMask
{
    // Fields of a Place (Places API New, REST reference "places").
    private static readonly HashSet<string> PlaceFields = new(StringComparer.Ordinal)
    {
        "name", "id", "displayName", "types", "primaryType", "primaryTypeDisplayName", "nationalPhoneNumber", "internationalPhoneNumber",
        "formattedAddress", "shortFormattedAddress", "postalAddress", "addressComponents", "plusCode", "location", "viewport", "rating",
        "googleMapsUri", "googleMapsLinks", "websiteUri", "reviews", "regularOpeningHours", "regularSecondaryOpeningHours",
        "currentOpeningHours", "currentSecondaryOpeningHours", "timeZone", "photos", "adrFormatAddress", "businessStatus", "priceLevel",
        "priceRange", "attributions", "iconMaskBaseUri", "iconBackgroundColor", "userRatingCount", "editorialSummary", "paymentOptions",
        "parkingOptions", "subDestinations", "accessibilityOptions", "fuelOptions", "evChargeOptions", "evChargeAmenitySummary",
        "generativeSummary", "reviewSummary", "neighborhoodSummary", "containingPlaces", "addressDescriptor", "utcOffsetMinutes",
        "pureServiceAreaBusiness", "movedPlace", "movedPlaceId", "consumerAlert", "takeout", "delivery", "dineIn", "curbsidePickup",
        "reservable", "servesBreakfast", "servesLunch", "servesDinner", "servesBeer", "servesWine", "servesBrunch", "servesVegetarianFood",
        "servesCocktails", "servesDessert", "servesCoffee", "outdoorSeating", "liveMusic", "menuForChildren", "goodForChildren",
        "allowsDogs", "goodForGroups", "goodForWatchingSports", "restroom",
    };

    // Paths below a place; an empty one is all of it.
    private readonly string[][] paths;

    private FieldMask(string[][] paths, bool hasNextPageToken) => (this.paths, HasNextPageToken) = (paths, hasNextPageToken);

    /// <summary>The token of the next page was asked for; without that there is none.</summary>
    public bool HasNextPageToken { get; }

    /// <summary>The mask, or the first path that names no field.</summary>
    public static (FieldMask? Mask, string? UnknownPath) Parse(string text, MaskOf of)
    {
        List<string[]> paths = [];
        var hasNextPageToken = false;
        foreach (var path in text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            switch (path.Split('.'))
            {
                case ["*"]:
                    paths.Add([]);
                    hasNextPageToken = true;
                    break;
                case ["nextPageToken"] when of is MaskOf.Text:
                    hasNextPageToken = true;
                    break;
                case ["searchUri"] when of is MaskOf.Text:
                case ["routingSummaries" or "contextualContents", ..] when of is not MaskOf.Place:
                    break;
                case ["places", .. var below] when of is not MaskOf.Place && (below is [] or ["*"] || PlaceFields.Contains(below[0])):
                    paths.Add(below is ["*"] ? [] : below);
                    break;
                case [var field, ..] whole when of is MaskOf.Place && PlaceFields.Contains(field):
                    paths.Add(whole);
                    break;
                default:
                    return (null, path);
            }
        }

        return (new FieldMask([.. paths], hasNextPageToken), null);
    }

    /// <summary>A search's reply with the masked fields only. The list is left out when it is empty or not asked for, as protobuf's JSON does.</summary>
    public JsonObject Apply(IEnumerable<JsonObject> places)
    {
        var found = paths.Length == 0 ? [] : new JsonArray([.. places.Select(Apply)]);
        return found.Count == 0 ? [] : new JsonObject { ["places"] = found };
    }

    /// <summary>A copy of a place with the masked fields only.</summary>
    public JsonObject Apply(JsonObject place)
    {
        var kept = new JsonObject();
        foreach (var path in paths)
        {
            if (path.Length == 0)
            {
                return (JsonObject)place.DeepClone();
            }

            Copy(place, kept, path);
        }

        return kept;
    }

    private static void Copy(JsonObject from, JsonObject to, ReadOnlySpan<string> path)
    {
        if (!from.TryGetPropertyValue(path[0], out var value) || value is null)
        {
            return;
        }

        if (path.Length == 1 || value is not JsonObject inner)
        {
            to[path[0]] = value.DeepClone();
            return;
        }

        if (to[path[0]] is not JsonObject target)
        {
            to[path[0]] = target = [];
        }

        Copy(inner, target, path[1..]);
    }
}
