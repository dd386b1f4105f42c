using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace LlmWorkflow.Simulator.Places;

/// <summary>The body of <c>places:searchNearby</c>, checked.</summary>
internal sealed partial record NearbySearchRequest(
    double Latitude, double Longitude, double RadiusMeters, int MaxResultCount, bool ByDistance, IReadOnlyList<string> Types, IReadOnlyList<string> ExcludedTypes)
{
    private const int MostResults = 20;
    private const int MostTypes = 50;
    private const double LargestRadius = 50_000;

    private static readonly string[] TypeFields = ["includedTypes", "includedPrimaryTypes", "excludedTypes", "excludedPrimaryTypes"];

    /// <summary>The request, or the message of an INVALID_ARGUMENT.</summary>
    public static (NearbySearchRequest? Request, string? Error) Read(string body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return Read(document.RootElement);
        }
        catch (JsonException malformed)
        {
            return (null, $"Invalid JSON payload received. {malformed.Message}");
        }
    }

    private static (NearbySearchRequest? Request, string? Error) Read(JsonElement root)
    {
        if (root.ValueKind is not JsonValueKind.Object || Find(root, "locationRestriction", "circle") is not { } circle)
        {
            return (null, "Location restriction must be set: locationRestriction.circle is required.");
        }

        if (Number(circle, "center", "latitude") is not (>= -90 and <= 90 and var latitude)
            || Number(circle, "center", "longitude") is not (>= -180 and <= 180 and var longitude))
        {
            return (null, "Invalid circle: center.latitude must be from -90 to 90 and center.longitude from -180 to 180.");
        }

        if (Number(circle, "radius") is not (>= 0 and <= LargestRadius and var radius))
        {
            return (null, string.Create(CultureInfo.InvariantCulture, $"Invalid circle: radius must be from 0 to {LargestRadius}."));
        }

        var most = MostResults;
        if (root.TryGetProperty("maxResultCount", out var count)
            && (count.ValueKind is not JsonValueKind.Number || !count.TryGetInt32(out most) || most is < 1 or > MostResults))
        {
            return (null, $"Invalid max_result_count: must be between 1 and {MostResults}, inclusively.");
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

    private static JsonElement? Find(JsonElement element, params ReadOnlySpan<string> path)
    {
        foreach (var name in path)
        {
            if (element.ValueKind is not JsonValueKind.Object || !element.TryGetProperty(name, out element))
            {
                return null;
            }
        }

        return element;
    }

    private static double? Number(JsonElement element, params ReadOnlySpan<string> path) =>
        Find(element, path) is { ValueKind: JsonValueKind.Number } number ? number.GetDouble() : null;

    [GeneratedRegex("^[a-z][a-z0-9_]{1,60}$")]
    private static partial Regex PlaceType();
}
