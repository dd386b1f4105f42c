using System.Globalization;
using System.Text.RegularExpressions;
using LlmWorkflow.Simulator.Ledger;
using LlmWorkflow.Simulator.Places;

namespace LlmWorkflow.Simulator.Weather;

/// <summary>A place whose weather can be told.</summary>
internal sealed partial record WeatherPlace(string Name, string Region, string Country, double Latitude, double Longitude, string TimeZone)
{
    private const string Nothing = "nowhere";

    private static readonly WeatherPlace[] Known =
    [
        new("London", "City of London, Greater London", "United Kingdom", 51.517, -0.106, "Europe/London"),
        new("Paris", "Ile-de-France", "France", 48.867, 2.333, "Europe/Paris"),
        new("Berlin", "Berlin", "Germany", 52.517, 13.4, "Europe/Berlin"),
        new("Dubai", "Dubai", "United Arab Emirates", 25.252, 55.28, "Asia/Dubai"),
        new("Tokyo", "Tokyo", "Japan", 35.69, 139.692, "Asia/Tokyo"),
        new("Sydney", "New South Wales", "Australia", -33.883, 151.217, "Australia/Sydney"),
    ];

    /// <summary>The place that <c>q</c> means: a name, <c>lat,lon</c>, a zip code, or <c>auto:ip</c>, an address, <c>id:</c>… as upstream. Null: there is none.</summary>
    public static WeatherPlace? Find(string text)
    {
        var q = text.Trim();
        if (q.StartsWith(Nothing, StringComparison.OrdinalIgnoreCase) || !q.Any(char.IsAsciiLetterOrDigit))
        {
            return null;
        }

        if (Point().Match(q) is { Success: true } point)
        {
            var (latitude, longitude) = (Number(point.Groups[1]), Number(point.Groups[2]));
            return Math.Abs(latitude) > 90 || Math.Abs(longitude) > 180 ? null
                : City.Near(latitude, longitude) is { } near ? Of(near) with { Latitude = latitude, Longitude = longitude }
                : Array.Find(Known, place => Math.Abs(place.Latitude - latitude) < 0.5 && Math.Abs(place.Longitude - longitude) < 0.5) ?? MadeUp(q, latitude, longitude);
        }

        var city = q.Split(',')[0].Trim();
        return City.OfZip(city) is { } byZip ? Of(byZip)
            : City.Named(city) is { } byName ? Of(byName)
            : Array.Find(Known, place => place.Name.Equals(city, StringComparison.OrdinalIgnoreCase)) ?? MadeUp(city);
    }

    private static WeatherPlace Of(City city) => new(city.Name, States[city.State].Name, "United States of America", city.Latitude, city.Longitude, States[city.State].TimeZone);

    private static readonly Dictionary<string, (string Name, string TimeZone)> States = new(StringComparer.Ordinal)
    {
        ["TX"] = ("Texas", "America/Chicago"), ["NY"] = ("New York", "America/New_York"), ["CA"] = ("California", "America/Los_Angeles"),
        ["WA"] = ("Washington", "America/Los_Angeles"), ["OR"] = ("Oregon", "America/Los_Angeles"), ["CO"] = ("Colorado", "America/Denver"),
        ["AZ"] = ("Arizona", "America/Phoenix"), ["IL"] = ("Illinois", "America/Chicago"), ["FL"] = ("Florida", "America/New_York"),
        ["GA"] = ("Georgia", "America/New_York"), ["MA"] = ("Massachusetts", "America/New_York"), ["LA"] = ("Louisiana", "America/Chicago"),
        ["TN"] = ("Tennessee", "America/Chicago"), ["PA"] = ("Pennsylvania", "America/New_York"),
    };

    // Where people live: neither pole nor mid-ocean matters, the weather does.
    private static WeatherPlace MadeUp(string name)
    {
        var random = new Random(PromptHash.Of(name.ToLowerInvariant()).Seed);
        return MadeUp(CultureInfo.InvariantCulture.TextInfo.ToTitleCase(name.ToLowerInvariant()), Math.Round((random.NextDouble() * 100) - 40, 3), Math.Round((random.NextDouble() * 300) - 150, 3));
    }

    private static WeatherPlace MadeUp(string name, double latitude, double longitude)
    {
        // The sign of these zones is the other way round.
        var hours = -(int)Math.Round(longitude / 15);
        return new(name, "", "Simulated", latitude, longitude, hours == 0 ? "Etc/GMT" : string.Create(CultureInfo.InvariantCulture, $"Etc/GMT{hours:+0;-0}"));
    }

    private static double Number(Group group) => double.Parse(group.ValueSpan, NumberStyles.Float, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^(-?\d+(?:\.\d+)?)\s*,\s*(-?\d+(?:\.\d+)?)$")]
    private static partial Regex Point();
}

/// <summary>Time at a place.</summary>
internal sealed class LocalClock
{
    private readonly TimeZoneInfo zone;

    public LocalClock(WeatherPlace place, DateTimeOffset now)
    {
        // Without the zone's data the sun's time will do.
        zone = TimeZoneInfo.TryFindSystemTimeZoneById(place.TimeZone, out var known)
            ? known
            : TimeZoneInfo.CreateCustomTimeZone(place.TimeZone, TimeSpan.FromHours(Math.Round(place.Longitude / 15)), place.TimeZone, place.TimeZone);
        Now = TimeZoneInfo.ConvertTime(now, zone);
    }

    public DateTimeOffset Now { get; }

    public DateOnly Today => DateOnly.FromDateTime(Now.DateTime);

    /// <summary>The measurement that is told: of the last quarter of an hour.</summary>
    public DateTimeOffset Measured => Now.AddTicks(-(Now.Ticks % TimeSpan.FromMinutes(15).Ticks));

    /// <summary>An hour of a day there, as seconds since 1970 and as text.</summary>
    public (long Epoch, string Text) At(DateOnly date, int hour)
    {
        var local = date.ToDateTime(new TimeOnly(hour, 0));
        return (new DateTimeOffset(local, zone.GetUtcOffset(local)).ToUnixTimeSeconds(), Text(local));
    }

    public static string Text(DateTime time) => time.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
}
