using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;
using LlmWorkflow.Simulator.Ledger;

namespace LlmWorkflow.Simulator.Places;

/// <summary>The body of <c>places:searchText</c>, checked.</summary>
internal sealed record TextSearchRequest
{
    // The key of finding nothing, in queries for it.
    private const string Nothing = "nowhere";
    private const int LongestType = 60;

    private static readonly HashSet<string> Fields = new(StringComparer.Ordinal)
    {
        "textQuery", "includedType", "strictTypeFiltering", "pageSize", "maxResultCount", "pageToken", "locationBias", "locationRestriction",
        "rankPreference", "languageCode", "regionCode", "openNow", "minRating", "priceLevels", "evOptions", "routingParameters",
        "searchAlongRouteParameters", "includePureServiceAreaBusinesses", "includeFutureOpeningBusinesses",
    };

    public required double Latitude { get; init; }

    public required double Longitude { get; init; }

    /// <summary>Degrees; null: anywhere.</summary>
    public (double South, double West, double North, double East)? Within { get; init; }

    /// <summary>Asked for, or guessed from the query.</summary>
    public required string Type { get; init; }

    public bool ByDistance { get; init; }

    public bool OpenNow { get; init; }

    public double MinRating { get; init; }

    public bool FindsNothing { get; init; }

    /// <summary>1 to 20.</summary>
    public required int PageSize { get; init; }

    /// <summary>Places on the pages before.</summary>
    public int Offset { get; init; }

    // Of all that must be the same on each page.
    private string Hash { get; init; } = "";

    /// <summary>The request, or the message of an INVALID_ARGUMENT.</summary>
    public static (TextSearchRequest? Request, string? Error) Read(string body) => SearchBody.Read<TextSearchRequest>(body, Fields, Read);

    /// <summary>The token of the page that begins there.</summary>
    public string TokenFor(int offset) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Hash}:{offset}")));

    /// <summary>Whether it finds a place of its type.</summary>
    public bool Finds(PlaceDirectory.Place place) =>
        Holds(place) && (!OpenNow || place.Json["currentOpeningHours"]!["openNow"]!.GetValue<bool>()) && place.Json["rating"]!.GetValue<double>() >= MinRating;

    private bool Holds(PlaceDirectory.Place place) => Within is not var (south, west, north, east)
        || (place.Latitude >= south && place.Latitude <= north && (west <= east ? place.Longitude >= west && place.Longitude <= east : place.Longitude >= west || place.Longitude <= east));

    private static (TextSearchRequest? Request, string? Error) Read(JsonElement root)
    {
        if (SearchBody.Text(root, "textQuery") is not { } query || string.IsNullOrWhiteSpace(query))
        {
            return (null, "Empty text_query. A non-empty text_query must be provided.");
        }

        var included = SearchBody.Text(root, "includedType");
        if (included is { Length: > 0 } && !NearbySearchRequest.PlaceType().IsMatch(included))
        {
            return (null, $"Unsupported types: {included}.");
        }

        if (SearchBody.Text(root, "rankPreference") is { } rank and not ("RELEVANCE" or "DISTANCE" or "RANK_PREFERENCE_UNSPECIFIED"))
        {
            return (null, $"Invalid value at 'rank_preference': \"{rank}\".");
        }

        if (SearchBody.Find(root, "locationBias") is not null && SearchBody.Find(root, "locationRestriction") is not null)
        {
            return (null, "Only one of location_bias and location_restriction can be set.");
        }

        if (SearchBody.Find(root, "locationRestriction", "circle") is not null)
        {
            return (null, "Invalid JSON payload received. Unknown name \"circle\" at 'location_restriction': Cannot find field.");
        }

        if ((SearchBody.Number(root, "pageSize") ?? SearchBody.Number(root, "maxResultCount") ?? 0) is not (>= 0 and var size))
        {
            return (null, "Invalid page_size: must not be negative.");
        }

        if ((SearchBody.Number(root, "minRating") ?? 0) is not (>= 0 and <= 5 and var rating))
        {
            return (null, "Invalid min_rating: must be from 0 to 5.");
        }

        var (area, fault) = Area(root, query);
        return area is null ? (null, fault) : Paged(root, area with
        {
            Type = included is { Length: > 0 } ? included : TypeOf(query),
            PageSize = size is 0 or > SearchBody.MostResults ? SearchBody.MostResults : (int)size,
            OpenNow = SearchBody.Find(root, "openNow") is { ValueKind: JsonValueKind.True },
            MinRating = rating,
            ByDistance = SearchBody.Text(root, "rankPreference") is "DISTANCE",
            FindsNothing = query.TrimStart().StartsWith(Nothing, StringComparison.OrdinalIgnoreCase),
        });
    }

    private static (TextSearchRequest? Area, string? Error) Area(JsonElement root, string query)
    {
        if (SearchBody.Find(root, "locationBias", "circle") is { } circle)
        {
            var (found, fault) = SearchBody.Circle(circle);
            return found is var (latitude, longitude, _) ? (At(latitude, longitude), null) : (null, fault);
        }

        if ((SearchBody.Find(root, "locationRestriction", "rectangle") ?? SearchBody.Find(root, "locationBias", "rectangle")) is { } box)
        {
            if (SearchBody.Latitude(box, "low") is not { } south || SearchBody.Longitude(box, "low") is not { } west
                || SearchBody.Latitude(box, "high") is not { } north || SearchBody.Longitude(box, "high") is not { } east || south > north)
            {
                return (null, "Invalid rectangle: low and high must have a latitude and a longitude, and low must not lie north of high.");
            }

            var middle = At((south + north) / 2, west <= east ? (west + east) / 2 : Math.IEEERemainder((west + east + 360) / 2, 360));
            return (SearchBody.Find(root, "locationRestriction") is null ? middle : middle with { Within = (south, west, north, east) }, null);
        }

        var city = City.In(query) ?? City.Default;
        return (At(city.Latitude, city.Longitude), null);
    }

    private static TextSearchRequest At(double latitude, double longitude) => new() { Latitude = latitude, Longitude = longitude, Type = "", PageSize = 1 };

    private static (TextSearchRequest? Request, string? Error) Paged(JsonElement root, TextSearchRequest request)
    {
        var same = root.EnumerateObject().Where(property => property.Name is not ("pageToken" or "pageSize" or "maxResultCount"))
            .OrderBy(property => property.Name, StringComparer.Ordinal).Select(property => $"{property.Name}={property.Value.GetRawText()}");
        request = request with { Hash = PromptHash.Of(string.Join('\n', same)).ToString()[..16] };
        if (SearchBody.Text(root, "pageToken") is not { Length: > 0 } token)
        {
            return (request, null);
        }

        var parts = Base64Url.IsValid(token) ? Encoding.UTF8.GetString(Base64Url.DecodeFromChars(token)).Split(':') : [];
        return parts is not [var hash, var offset] || !int.TryParse(offset, NumberStyles.None, CultureInfo.InvariantCulture, out var begin)
            ? (null, "Invalid page_token.")
            : hash != request.Hash
                ? (null, "Request parameters for paging requests must match the initial SearchText request.")
                : (request with { Offset = begin }, null);
    }

    // "emergency shelters in Austin" looks for an emergency_shelter.
    private static string TypeOf(string query)
    {
        var words = query.ToLowerInvariant().Split([' ', ',', '.', '\'', '"'], StringSplitOptions.RemoveEmptyEntries)
            .TakeWhile(word => word is not ("in" or "near" or "around" or "at")).Select(word => string.Concat(word.Where(char.IsAsciiLetterOrDigit))).Where(word => word.Length > 0).ToList();
        if (words.Count > 0)
        {
            words[^1] = words[^1] switch
            {
                [.. var stem, 'i', 'e', 's'] => stem + "y",
                [.. var stem, 's'] when !stem.EndsWith('s') && stem.Length > 2 => stem,
                var word => word,
            };
        }

        var type = string.Join('_', words);
        type = type.Length > LongestType ? type[..LongestType] : type;
        return NearbySearchRequest.PlaceType().IsMatch(type) ? type : "point_of_interest";
    }
}
