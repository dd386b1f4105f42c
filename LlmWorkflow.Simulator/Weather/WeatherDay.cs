using System.Globalization;
using LlmWorkflow.Simulator.Ledger;

namespace LlmWorkflow.Simulator.Weather;

/// <summary>An hour's weather.</summary>
internal sealed record WeatherHour(
    double Temperature, Sky Sky, bool IsDay, double WindKph, int WindDegree, double PressureMb, double PrecipitationMm, double SnowCm,
    int Humidity, int Cloud, double VisibilityKm, double Uv)
{
    public bool Rains => PrecipitationMm > 0 && SnowCm == 0;

    public bool Snows => SnowCm > 0;
}

/// <summary>The weather of one day at one place: always the same for both, with the season and the latitude, and each hour near the one before.</summary>
internal sealed class WeatherDay
{
    private readonly Random random;

    public WeatherDay(WeatherPlace place, DateOnly date)
    {
        (Place, Date) = (place, date);
        random = new Random(PromptHash.Of(string.Create(CultureInfo.InvariantCulture, $"{place.Latitude:F1},{place.Longitude:F1},{date:O}")).Seed);
        Noon = 12.5;
        // Day 172 is the June solstice; half a day's length in hours, by the sun's declination.
        var season = Math.Cos((date.DayOfYear - 172) / 365.25 * Math.Tau);
        var declination = 23.44 * season * Math.PI / 180;
        HalfDay = Math.Acos(Math.Clamp(-Math.Tan(place.Latitude * Math.PI / 180) * Math.Tan(declination), -0.95, 0.95)) / Math.PI * 12;
        // Warmest about a month after the solstice, and the other way round in the south.
        var warmth = Math.Cos((date.DayOfYear - 200) / 365.25 * Math.Tau) * Math.Sign(place.Latitude);
        Mean = 28 - (0.42 * Math.Max(0, Math.Abs(place.Latitude) - 12)) + (warmth * Math.Min(14, 0.28 * Math.Abs(place.Latitude))) + ((random.NextDouble() - 0.5) * 8);
        Sky = Sky.Pick(random.NextDouble(), Mean);
        Swing = 3 + (random.NextDouble() * 3) + (Sky.Cloud < 50 ? 2 : 0);
        Wind = 4 + (random.NextDouble() * 22) + (IsSevere ? 35 : 0);
        WindDegree = random.Next(360);
        Pressure = Math.Round(1012 + ((random.NextDouble() - 0.5) * 16) - (Sky.PrecipitationMm > 0 ? 8 : 0));
        Hours = [.. Enumerable.Range(0, 24).Select(Hour)];
    }

    public WeatherPlace Place { get; }

    public DateOnly Date { get; }

    /// <summary>Of most of the day.</summary>
    public Sky Sky { get; }

    public IReadOnlyList<WeatherHour> Hours { get; }

    /// <summary>There is a warning for it.</summary>
    public bool IsSevere => Sky.IsSevere;

    /// <summary>Hours after midnight.</summary>
    public double Sunrise => Noon - HalfDay;

    public double Sunset => Noon + HalfDay;

    public double MaxTemperature => Hours.Max(hour => hour.Temperature);

    public double MinTemperature => Hours.Min(hour => hour.Temperature);

    public double AverageTemperature => Math.Round(Hours.Average(hour => hour.Temperature), 1);

    public double PrecipitationMm => Math.Round(Hours.Sum(hour => hour.PrecipitationMm), 2);

    public double SnowCm => Math.Round(Hours.Sum(hour => hour.SnowCm), 2);

    /// <summary>Percent.</summary>
    public int ChanceOf(Func<WeatherHour, bool> what) => (int)Math.Round(Hours.Count(what) / 24.0 * 60) + (Hours.Any(what) ? 35 : 0);

    private double Noon { get; }

    private double HalfDay { get; }

    private double Mean { get; }

    private double Swing { get; }

    private double Wind { get; }

    private int WindDegree { get; }

    private double Pressure { get; }

    private WeatherHour Hour(int hour)
    {
        // Coldest at 4, warmest at 16.
        var temperature = Mean + (Swing * -Math.Cos((hour - 4) / 24.0 * Math.Tau)) + ((random.NextDouble() - 0.5) * 0.6);
        var isDay = hour >= Sunrise && hour < Sunset;
        var falls = Sky.PrecipitationMm > 0 && random.NextDouble() < 0.6 ? Sky.PrecipitationMm * (0.5 + random.NextDouble()) : 0;
        var height = isDay ? Math.Sin((hour + 0.5 - Sunrise) / (2 * HalfDay) * Math.PI) : 0;
        return new WeatherHour(
            Math.Round(temperature, 1), falls > 0 || Sky.PrecipitationMm == 0 ? Sky : Sky.Overcast, isDay, Math.Round(Wind * (0.7 + (0.6 * random.NextDouble())), 1),
            (WindDegree + random.Next(-20, 21) + 360) % 360, Pressure, Math.Round(falls, 2), Sky.IsSnow ? Math.Round(falls / 10, 2) : 0,
            (int)Math.Clamp(72 - ((temperature - Mean) * 3) + (Sky.Cloud / 6), 15, 100), Sky.Cloud, Sky.VisibilityKm, Math.Round(Math.Max(0, height * 9 * (1 - (Sky.Cloud / 150.0))), 1));
    }
}
