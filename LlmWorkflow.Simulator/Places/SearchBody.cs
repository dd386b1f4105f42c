using System.Globalization;
using System.Text.Json;

namespace LlmWorkflow.Simulator.Places;

/// <summary>Reads what the bodies of both searches have in common.</summary>
internal static class SearchBody
{
    public const int MostResults = 20;
    private const double LargestRadius = 50_000;

    /// <summary>Reads a body with a reader of its own, or tells the message of an INVALID_ARGUMENT.</summary>
    /// <param name="body">The body.</param>
    /// <param name="fields">Those that it may have.</param>
    /// <param name="read">Reads the object.</param>
    public static (T? Request, string? Error) Read<T>(string body, HashSet<string> fields, Func<JsonElement, (T? Request, string? Error)> read)
        where T : class
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            var root = document.RootElement;
            if (root.ValueKind is JsonValueKind.Object && root.EnumerateObject().Select(property => property.Name).FirstOrDefault(name => !fields.Contains(name)) is { } unknown)
            {
                return (null, $"Invalid JSON payload received. Unknown name \"{unknown}\": Cannot find field.");
            }

            return read(root);
        }
        catch (JsonException malformed)
        {
            return (null, $"Invalid JSON payload received. {malformed.Message}");
        }
    }

    /// <summary>A circle, or what is wrong with it.</summary>
    public static ((double Latitude, double Longitude, double Radius)? Circle, string? Error) Circle(JsonElement circle)
    {
        if (Latitude(circle, "center") is not { } latitude || Longitude(circle, "center") is not { } longitude)
        {
            return (null, "Invalid circle: center.latitude must be from -90 to 90 and center.longitude from -180 to 180.");
        }

        return Number(circle, "radius") is >= 0 and <= LargestRadius and var radius
            ? ((latitude, longitude, radius), null)
            : (null, string.Create(CultureInfo.InvariantCulture, $"Invalid circle: radius must be from 0 to {LargestRadius}."));
    }

    public static double? Latitude(JsonElement element, string point) => Number(element, point, "latitude") is >= -90 and <= 90 and var latitude ? latitude : null;

    public static double? Longitude(JsonElement element, string point) => Number(element, point, "longitude") is >= -180 and <= 180 and var longitude ? longitude : null;

    public static JsonElement? Find(JsonElement element, params ReadOnlySpan<string> path)
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

    public static double? Number(JsonElement element, params ReadOnlySpan<string> path) =>
        Find(element, path) is { ValueKind: JsonValueKind.Number } number ? number.GetDouble() : null;

    public static string? Text(JsonElement element, string name) =>
        Find(element, name) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;
}
