using System.Text.Json;
using System.Text.RegularExpressions;

namespace LlmWorkflow.Simulator.Places;

/// <summary>The body of <c>places:searchNearby</c>, checked.</summary>
internal sealed partial record NearbySearchRequest(
    double Latitude, double Longitude, double RadiusMeters, int MaxResultCount, bool ByDistance, IReadOnlyList<string> Types, IReadOnlyList<string> ExcludedTypes)
{
    private const int MostTypes = 50;

    private static readonly string[] TypeFields = ["includedTypes", "includedPrimaryTypes", "excludedTypes", "excludedPrimaryTypes"];

    private static readonly HashSet<string> Fields = new(
        [.. TypeFields, "maxResultCount", "rankPreference", "locationRestriction", "languageCode", "regionCode", "routingParameters"], StringComparer.Ordinal);

    /// <summary>The request, or the message of an INVALID_ARGUMENT.</summary>
    public static (NearbySearchRequest? Request, string? Error) Read(string body) => SearchBody.Read<NearbySearchRequest>(body, Fields, Read);

    private static (NearbySearchRequest? Request, string? Error) Read(JsonElement root)
    {
        if (SearchBody.Find(root, "locationRestriction", "circle") is not { } given)
        {
            return (null, "Location restriction must be set: locationRestriction.circle is required.");
        }

        var (circle, invalid) = SearchBody.Circle(given);
        if (circle is not var (latitude, longitude, radius))
        {
            return (null, invalid);
        }

        var most = SearchBody.MostResults;
        if (root.TryGetProperty("maxResultCount", out var count)
            && (count.ValueKind is not JsonValueKind.Number || !count.TryGetInt32(out most) || most is < 1 or > SearchBody.MostResults))
        {
            return (null, $"Invalid max_result_count: must be between 1 and {SearchBody.MostResults}, inclusively.");
        }

        var ranks = root.TryGetProperty("rankPreference", out var rank);
        if (ranks && (rank.ValueKind is not JsonValueKind.String || rank.GetString() is not ("POPULARITY" or "DISTANCE" or "RANK_PREFERENCE_UNSPECIFIED")))
        {
            return (null, "Invalid value at 'rank_preference': must be POPULARITY or DISTANCE.");
        }

        if (TypeFault(root) is { } fault)
        {
            return (null, fault);
        }

        return (new NearbySearchRequest(
            latitude, longitude, radius, most, ranks && rank.ValueEquals("DISTANCE"),
            [.. TypesOf(root, "includedTypes"), .. TypesOf(root, "includedPrimaryTypes")],
            [.. TypesOf(root, "excludedTypes"), .. TypesOf(root, "excludedPrimaryTypes")]), null);
    }

    private static string? TypeFault(JsonElement root)
    {
        foreach (var field in TypeFields)
        {
            if (!root.TryGetProperty(field, out var types))
            {
                continue;
            }

            if (types.ValueKind is not JsonValueKind.Array || types.EnumerateArray().Any(type => type.ValueKind is not JsonValueKind.String))
            {
                return $"Invalid value at '{field}': must be an array of place types.";
            }

            if (types.GetArrayLength() > MostTypes)
            {
                return $"Invalid value at '{field}': at most {MostTypes} types.";
            }

            var unsupported = types.EnumerateArray().Select(type => type.GetString()!).Where(type => !PlaceType().IsMatch(type)).ToList();
            if (unsupported.Count > 0)
            {
                return $"Unsupported types: {string.Join(", ", unsupported)}.";
            }
        }

        return null;
    }

    private static IEnumerable<string> TypesOf(JsonElement root, string field) =>
        root.TryGetProperty(field, out var types) ? types.EnumerateArray().Select(type => type.GetString()!) : [];

    [GeneratedRegex("^[a-z][a-z0-9_]{1,60}$")]
    public static partial Regex PlaceType();
}
