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

    private const double MetersPerDegree = 111_320;
    private const int MostPerType = 8;
    private const double NearestMeters = 150;
    private const double Spread = 1.9;

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
        var perType = types.Select(type => Around(request, type).ToList()).ToList();
        // In turn by type, so that a short list has some of each.
        var places = Enumerable.Range(0, MostPerType)
            .SelectMany(round => perType.Where(found => found.Count > round).Select(found => found[round]));
        if (request.ByDistance)
        {
            places = places.OrderBy(place => place.Distance);
        }

        return places.Take(request.MaxResultCount).Select(place => place.Json);
    }

    private static IEnumerable<(double Distance, JsonObject Json)> Around(NearbySearchRequest request, string type)
    {
        // About 100 m: who asks again from the next house gets the same places.
        var key = string.Create(CultureInfo.InvariantCulture, $"{request.Latitude:F3},{request.Longitude:F3},{type}");
        var random = new Random(PromptHash.Of(key).Seed);
        for (var i = 0; i < MostPerType; i++)
        {
            // The first is a short walk away, the last some 15 km.
            var distance = NearestMeters * Math.Pow(Spread, i) * (0.5 + (0.5 * random.NextDouble()));
            var place = Place(request, type, random, distance, random.NextDouble() * Math.Tau);
            if (distance <= request.RadiusMeters)
            {
                yield return (distance, place);
            }
        }
    }

    private static JsonObject Place(NearbySearchRequest request, string type, Random random, double distance, double bearing)
    {
        var latitude = request.Latitude + (distance * Math.Cos(bearing) / MetersPerDegree);
        var narrowing = Math.Max(0.01, Math.Cos(request.Latitude * Math.PI / 180));
        var longitude = request.Longitude + (distance * Math.Sin(bearing) / (MetersPerDegree * narrowing));
        var city = City.Near(request.Latitude, request.Longitude);
        var (number, street) = (random.Next(100, 9900), Streets[random.Next(Streets.Length)]);
        var name = PlaceName.Of(type, Quarters[random.Next(Quarters.Length)], random.Next(1, 40), city?.Name);
        var line = random.Next(100, 200);
        var areaCode = city?.AreaCode ?? 202;
        var id = "ChIJ" + PromptHash.Of($"{name}|{number}|{street}|{latitude}|{longitude}").ToString()[..23];
        var shortAddress = city is null ? $"{number} {street}" : $"{number} {street}, {city.Name}";

        return new JsonObject
        {
            ["name"] = $"places/{id}",
            ["id"] = id,
            ["types"] = new JsonArray(type, "point_of_interest", "establishment"),
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
            ["primaryType"] = type,
            ["shortFormattedAddress"] = shortAddress,
        };
    }
}
