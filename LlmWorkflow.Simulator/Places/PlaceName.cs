using System.Globalization;

namespace LlmWorkflow.Simulator.Places;

/// <summary>Names that sound like the kind of place.</summary>
internal static class PlaceName
{
    public static string Of(string type, string quarter, int number, string? city) => type switch
    {
        "hospital" => $"{quarter} Medical Center",
        "police" => $"{quarter} Police Station",
        "fire_station" => $"{city ?? quarter} Fire Station {number}",
        "pharmacy" or "drugstore" => $"{quarter} Pharmacy",
        "doctor" => $"{quarter} Family Practice",
        "library" => $"{quarter} Public Library",
        "park" => $"{quarter} Park",
        "school" or "primary_school" => $"{quarter} Elementary School",
        "secondary_school" => $"{quarter} High School",
        "community_center" => $"{quarter} Community Center",
        "local_government_office" or "city_hall" => $"{city ?? quarter} City Hall",
        "church" => $"{quarter} Church",
        "supermarket" or "grocery_store" => $"{quarter} Market",
        "gas_station" => $"{quarter} Gas & Go",
        _ => $"{quarter} {CultureInfo.InvariantCulture.TextInfo.ToTitleCase(type.Replace('_', ' '))}",
    };

    public static string Slug(string name) => string.Join('-', name.ToLowerInvariant()
        .Split([' ', ',', '.', '\'', '&'], StringSplitOptions.RemoveEmptyEntries));
}

/// <summary>A city that addresses may name, so that they fit the point asked for.</summary>
internal sealed record City(string Name, string State, string Zip, int AreaCode, double Latitude, double Longitude)
{
    // About 60 km.
    private const double ReachDegrees = 0.55;

    private static readonly City[] Known =
    [
        new("Austin", "TX", "78701", 512, 30.27, -97.74),
        new("Houston", "TX", "77002", 713, 29.76, -95.37),
        new("Dallas", "TX", "75201", 214, 32.78, -96.80),
        new("San Antonio", "TX", "78205", 210, 29.42, -98.49),
        new("New York", "NY", "10007", 212, 40.71, -74.01),
        new("Los Angeles", "CA", "90012", 213, 34.05, -118.24),
        new("San Francisco", "CA", "94102", 415, 37.77, -122.42),
        new("San Diego", "CA", "92101", 619, 32.72, -117.16),
        new("Seattle", "WA", "98104", 206, 47.61, -122.33),
        new("Portland", "OR", "97204", 503, 45.52, -122.68),
        new("Denver", "CO", "80202", 303, 39.74, -104.99),
        new("Phoenix", "AZ", "85003", 602, 33.45, -112.07),
        new("Chicago", "IL", "60602", 312, 41.88, -87.63),
        new("Miami", "FL", "33130", 305, 25.76, -80.19),
        new("Tampa", "FL", "33602", 813, 27.95, -82.46),
        new("Atlanta", "GA", "30303", 404, 33.75, -84.39),
        new("Boston", "MA", "02108", 617, 42.36, -71.06),
        new("New Orleans", "LA", "70112", 504, 29.95, -90.07),
        new("Nashville", "TN", "37219", 615, 36.16, -86.78),
        new("Philadelphia", "PA", "19107", 215, 39.95, -75.17),
    ];

    /// <summary>The known city whose name stands in a text, or null.</summary>
    public static City? In(string text) => Known.FirstOrDefault(city => text.Contains(city.Name, StringComparison.OrdinalIgnoreCase));

    /// <summary>The known city of that name, or null.</summary>
    public static City? Named(string name) => Known.FirstOrDefault(city => city.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    /// <summary>The known city with that zip code, or null.</summary>
    public static City? OfZip(string zip) => Known.FirstOrDefault(city => city.Zip == zip);

    /// <summary>Where searches without a place look.</summary>
    public static City Default => Known[0];

    /// <summary>The nearest known city in reach, or null.</summary>
    public static City? Near(double latitude, double longitude) => Known
        .Select(city => (City: city, Distance: Math.Max(Math.Abs(city.Latitude - latitude), Math.Abs(city.Longitude - longitude))))
        .Where(near => near.Distance < ReachDegrees)
        .OrderBy(near => near.Distance)
        .Select(near => near.City)
        .FirstOrDefault();
}
