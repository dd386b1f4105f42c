using System.Text.Json.Nodes;

namespace LlmWorkflow.Simulator.Places;

/// <summary>
/// A field mask over a search's reply, such as <c>places.id,places.displayName.text</c>; <c>*</c> is everything. A field that exists
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

    private readonly string[][] paths;

    private FieldMask(string[][] paths) => this.paths = paths;

    /// <summary>The mask, or the first path that names no field.</summary>
    public static (FieldMask? Mask, string? UnknownPath) Parse(string text)
    {
        var paths = text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var unknown = Array.Find(paths, path => !Exists(path.Split('.')));
        return unknown is null ? (new FieldMask([.. paths.Select(path => path.Split('.'))]), null) : (null, unknown);
    }

    /// <summary>A copy of a place with the masked fields only.</summary>
    public JsonObject Apply(JsonObject place)
    {
        var kept = new JsonObject();
        foreach (var path in paths)
        {
            if (path.Length == 1 || path[1] == "*")
            {
                return (JsonObject)place.DeepClone();
            }

            Copy(place, kept, path.AsSpan(1));
        }

        return kept;
    }

    private static bool Exists(string[] path) => path switch
    {
        ["*"] or ["places"] => true,
        ["places", "*"] => true,
        ["places", var field, ..] => PlaceFields.Contains(field),
        _ => false,
    };

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
