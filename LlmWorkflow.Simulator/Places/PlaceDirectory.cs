using System.Globalization;
using System.Text.Json.Nodes;
using LlmWorkflow.Simulator.Ledger;

namespace LlmWorkflow.Simulator.Places;

/// <summary>
/// Makes up the places around a point. The same point and type always give the same places; a larger radius
/// gives more of them. Phone numbers are of the range reserved for fiction (555-0100 to 555-0199).
/// </summary>
internal static class PlaceDirectory
{
    /// <summary>Searches with a smaller radius find nothing.</summary>
    public const double SmallestRadiusMeters = 50;

    /// <summary>Most that a text search finds, over all its pages.</summary>
    public const int MostByText = 60;

    private const double MetersPerDegree = 111_320;
    private const int MostPerType = 8;
    private const double NearestMeters = 150;
    private const double Spread = 1.9;
    private const double FarthestMeters = 15_000;

    private static readonly string[] DefaultTypes = ["hospital", "police", "fire_station", "pharmacy", "library", "park", "school"];

    private static readonly string[] Streets =
        ["Cedar St", "Oak Ave", "Main St", "River Rd", "Lamar Blvd", "Congress Ave", "Lincoln Way", "Mill Rd", "Sunset Dr", "Park Ave", "2nd St", "Hill St"];

    private static readonly string[] Quarters =
        ["Riverside", "Northgate", "Eastwood", "Lakeview", "St. Mary's", "Hillcrest", "Central", "Westfield", "Oakmont", "Brookside"];

    public static IEnumerable<JsonObject> Search(NearbySearchRequest request)
    {
        if (request.RadiusMeters < SmallestRadiusMeters)
        {
            return [];
        }

        var types = (request.Types.Count > 0 ? request.Types : DefaultTypes).Except(request.ExcludedTypes, StringComparer.Ordinal).ToList();
        var perType = types.Select(type => Around(request.Latitude, request.Longitude, type, MostPerType)
            .Where(place => place.MetersTo(request.Latitude, request.Longitude) <= request.RadiusMeters).ToList()).ToList();
        // In turn by type, so that a short list has some of each.
        var places = Enumerable.Range(0, MostPerType)
            .SelectMany(round => perType.Where(found => found.Count > round).Select(found => found[round]));
        if (request.ByDistance)
        {
            places = places.OrderBy(place => place.MetersTo(request.Latitude, request.Longitude));
        }

        return places.Take(request.MaxResultCount).Select(place => place.Json);
    }

    /// <summary>All that a text search finds, its pages in a row.</summary>
    public static IReadOnlyList<JsonObject> Search(TextSearchRequest request)
    {
        if (request.FindsNothing)
        {
            return [];
        }

        var places = Around(request.Latitude, request.Longitude, request.Type, MostByText).Where(request.Finds);
        return [.. (request.ByDistance ? places.OrderBy(place => place.MetersTo(request.Latitude, request.Longitude)) : places).Select(place => place.Json)];
    }

    /// <summary>The place of that id.</summary>
    public static JsonObject Find(PlaceId id) => Around(id.Latitude / 1000.0, id.Longitude / 1000.0, id.Type, id.Index + 1).Last().Json;

    private static IEnumerable<Place> Around(double latitude, double longitude, string type, int most)
    {
        var anchor = PlaceId.Of(latitude, longitude, 0, type);
        var (north, east) = (anchor.Latitude / 1000.0, anchor.Longitude / 1000.0);
        var random = new Random(PromptHash.Of(string.Create(CultureInfo.InvariantCulture, $"{north:F3},{east:F3},{type}")).Seed);
        var city = City.Near(north, east);
        for (var i = 0; i < most; i++)
        {
            // The first is a short walk away, the eighth some 15 km; further ones lie in between.
            var reach = i < MostPerType ? NearestMeters * Math.Pow(Spread, i) : FarthestMeters;
            var distance = reach * (0.5 + (0.5 * random.NextDouble()));
            yield return Make(anchor with { Index = i }, city, random, distance, random.NextDouble() * Math.Tau);
        }
    }

    private static Place Make(PlaceId id, City? city, Random random, double distance, double bearing)
    {
        var (number, street) = (random.Next(100, 9900), Streets[random.Next(Streets.Length)]);
        var name = PlaceName.Of(id.Type, Quarters[random.Next(Quarters.Length)], random.Next(1, 40), city?.Name);
        var line = random.Next(100, 200);
        var areaCode = city?.AreaCode ?? 202;
        var shortAddress = city is null ? $"{number} {street}" : $"{number} {street}, {city.Name}";
        var latitude = (id.Latitude / 1000.0) + (distance * Math.Cos(bearing) / MetersPerDegree);
        var longitude = (id.Longitude / 1000.0) + (distance * Math.Sin(bearing) / (MetersPerDegree * Narrowing(id.Latitude / 1000.0)));

        return new Place(latitude, longitude, new JsonObject
        {
            ["name"] = $"places/{id}",
            ["id"] = id.ToString(),
            ["types"] = new JsonArray(id.Type, "point_of_interest", "establishment"),
            ["nationalPhoneNumber"] = $"({areaCode}) 555-0{line}",
            ["internationalPhoneNumber"] = $"+1 {areaCode}-555-0{line}",
            ["formattedAddress"] = city is null ? $"{shortAddress}, USA" : $"{shortAddress}, {city.State} {city.Zip}, USA",
            ["location"] = new JsonObject { ["latitude"] = Math.Round(latitude, 7), ["longitude"] = Math.Round(longitude, 7) },
            ["rating"] = Math.Round(3.1 + (random.NextDouble() * 1.8), 1),
            ["googleMapsUri"] = $"https://maps.google.com/?cid={random.NextInt64(1_000_000_000_000)}",
            ["websiteUri"] = $"https://{PlaceName.Slug(name)}.example.com/",
            ["businessStatus"] = "OPERATIONAL",
            ["userRatingCount"] = random.Next(5, 2400),
            ["displayName"] = new JsonObject { ["text"] = name, ["languageCode"] = "en" },
            ["currentOpeningHours"] = new JsonObject { ["openNow"] = random.Next(5) > 0 },
            ["primaryType"] = id.Type,
            ["shortFormattedAddress"] = shortAddress,
        });
    }

    // Of a degree of longitude, against one at the equator.
    private static double Narrowing(double latitude) => Math.Max(0.01, Math.Cos(latitude * Math.PI / 180));

    /// <summary>A made-up place.</summary>
    internal sealed record Place(double Latitude, double Longitude, JsonObject Json)
    {
        public double MetersTo(double latitude, double longitude)
        {
            var north = Latitude - latitude;
            var east = (Longitude - longitude) * Narrowing(latitude);
            return Math.Sqrt((north * north) + (east * east)) * MetersPerDegree;
        }
    }
}
