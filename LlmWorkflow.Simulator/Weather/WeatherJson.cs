using System.Globalization;
using System.Text.Json.Nodes;

namespace LlmWorkflow.Simulator.Weather;

/// <summary>Weather as WeatherAPI.com writes it: each value in metric and imperial units.</summary>
internal static class WeatherJson
{
    private const double SynodicMonth = 29.530588853;

    private static readonly DateOnly NewMoon = new(2000, 1, 6);

    private static readonly string[] Winds = ["N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE", "S", "SSW", "SW", "WSW", "W", "WNW", "NW", "NNW"];

    private static readonly string[] MoonPhases = ["New Moon", "Waxing Crescent", "First Quarter", "Waxing Gibbous", "Full Moon", "Waning Gibbous", "Last Quarter", "Waning Crescent"];

    public static JsonObject Location(WeatherPlace place, LocalClock clock) => new()
    {
        ["name"] = place.Name,
        ["region"] = place.Region,
        ["country"] = place.Country,
        ["lat"] = place.Latitude,
        ["lon"] = place.Longitude,
        ["tz_id"] = place.TimeZone,
        ["localtime_epoch"] = clock.Now.ToUnixTimeSeconds(),
        ["localtime"] = LocalClock.Text(clock.Now.DateTime),
    };

    public static JsonObject Current(WeatherDay today, LocalClock clock, WeatherText text, bool air)
    {
        var hour = today.Hours[clock.Now.Hour];
        var current = new JsonObject
        {
            ["last_updated_epoch"] = clock.Measured.ToUnixTimeSeconds(),
            ["last_updated"] = LocalClock.Text(clock.Measured.DateTime),
        };
        AddMeasured(current, hour, text);
        if (air)
        {
            current["air_quality"] = AirQuality(today, clock.Now.Hour);
        }

        return current;
    }

    public static JsonObject Day(WeatherDay day, LocalClock clock, WeatherText text, bool air)
    {
        var wind = day.Hours.Max(hour => hour.WindKph);
        var visibility = Math.Round(day.Hours.Average(hour => hour.VisibilityKm), 1);
        var whole = new JsonObject
        {
            ["maxtemp_c"] = day.MaxTemperature, ["maxtemp_f"] = Fahrenheit(day.MaxTemperature),
            ["mintemp_c"] = day.MinTemperature, ["mintemp_f"] = Fahrenheit(day.MinTemperature),
            ["avgtemp_c"] = day.AverageTemperature, ["avgtemp_f"] = Fahrenheit(day.AverageTemperature),
            ["maxwind_mph"] = Miles(wind), ["maxwind_kph"] = wind,
            ["totalprecip_mm"] = day.PrecipitationMm, ["totalprecip_in"] = Inches(day.PrecipitationMm), ["totalsnow_cm"] = day.SnowCm,
            ["avgvis_km"] = visibility, ["avgvis_miles"] = Math.Floor(Miles(visibility)),
            ["avghumidity"] = (int)Math.Round(day.Hours.Average(hour => hour.Humidity)),
            ["daily_will_it_rain"] = Flag(day.Hours.Any(hour => hour.Rains)), ["daily_chance_of_rain"] = day.ChanceOf(hour => hour.Rains),
            ["daily_will_it_snow"] = Flag(day.Hours.Any(hour => hour.Snows)), ["daily_chance_of_snow"] = day.ChanceOf(hour => hour.Snows),
            ["condition"] = Condition(day.Sky, isDay: true, text),
            ["uv"] = day.Hours.Max(hour => hour.Uv),
        };
        if (air)
        {
            whole["air_quality"] = AirQuality(day, 12);
        }

        return new JsonObject
        {
            ["date"] = day.Date.ToString("O", CultureInfo.InvariantCulture),
            // Midnight in UTC, whatever the place.
            ["date_epoch"] = new DateTimeOffset(day.Date, TimeOnly.MinValue, TimeSpan.Zero).ToUnixTimeSeconds(),
            ["day"] = whole,
            ["astro"] = Astro(day, clock),
            ["hour"] = new JsonArray([.. day.Hours.Select((hour, index) => Hour(hour, clock.At(day.Date, index), text))]),
        };
    }

    /// <summary>A warning of the national service, for the day.</summary>
    public static JsonObject Alert(WeatherDay day, LocalClock clock)
    {
        var what = day.Sky.IsSnow ? "Winter Storm Warning" : "Severe Thunderstorm Warning";
        var (from, to) = (clock.At(day.Date, 6).Text, clock.At(day.Date, 21).Text);
        return new JsonObject
        {
            ["headline"] = $"{what} for {day.Place.Name} on {day.Date:O}",
            ["msgtype"] = "Alert",
            ["severity"] = "Severe",
            ["urgency"] = "Expected",
            ["areas"] = day.Place.Name,
            ["category"] = "Met",
            ["certainty"] = "Likely",
            ["event"] = what,
            ["note"] = "Simulated",
            ["effective"] = from,
            ["expires"] = to,
            ["desc"] = $"{what}: from {from} to {to}.",
            ["instruction"] = "Stay indoors and away from windows.",
        };
    }

    private static JsonObject Hour(WeatherHour hour, (long Epoch, string Text) at, WeatherText text)
    {
        var json = new JsonObject { ["time_epoch"] = at.Epoch, ["time"] = at.Text };
        AddMeasured(json, hour, text);
        json["snow_cm"] = hour.SnowCm;
        json["will_it_rain"] = Flag(hour.Rains);
        json["chance_of_rain"] = hour.Rains ? 85 : 0;
        json["will_it_snow"] = Flag(hour.Snows);
        json["chance_of_snow"] = hour.Snows ? 85 : 0;
        return json;
    }

    private static void AddMeasured(JsonObject json, WeatherHour hour, WeatherText text)
    {
        var gust = Math.Round(hour.WindKph * 1.35, 1);
        // Wind cools below 10 °C, damp heats above 27 °C.
        var windChill = hour.Temperature < 10 ? Math.Round(hour.Temperature - (hour.WindKph * 0.12), 1) : hour.Temperature;
        var heatIndex = hour.Temperature > 27 ? Math.Round(hour.Temperature + (hour.Humidity * 0.04), 1) : hour.Temperature;
        var feelsLike = hour.Temperature < 10 ? windChill : heatIndex;
        var dewPoint = Math.Round(hour.Temperature - ((100 - hour.Humidity) / 5.0), 1);
        (string Name, JsonNode Value)[] fields =
        [
            ("temp_c", hour.Temperature), ("temp_f", Fahrenheit(hour.Temperature)), ("is_day", Flag(hour.IsDay)), ("condition", Condition(hour.Sky, hour.IsDay, text)),
            ("wind_mph", Miles(hour.WindKph)), ("wind_kph", hour.WindKph), ("wind_degree", hour.WindDegree), ("wind_dir", Winds[(int)Math.Round(hour.WindDegree / 22.5) % Winds.Length]),
            ("pressure_mb", hour.PressureMb), ("pressure_in", Math.Round(hour.PressureMb * 0.02953, 2)),
            ("precip_mm", hour.PrecipitationMm), ("precip_in", Inches(hour.PrecipitationMm)), ("humidity", hour.Humidity), ("cloud", hour.Cloud),
            ("feelslike_c", feelsLike), ("feelslike_f", Fahrenheit(feelsLike)), ("windchill_c", windChill), ("windchill_f", Fahrenheit(windChill)),
            ("heatindex_c", heatIndex), ("heatindex_f", Fahrenheit(heatIndex)), ("dewpoint_c", dewPoint), ("dewpoint_f", Fahrenheit(dewPoint)),
            ("vis_km", hour.VisibilityKm), ("vis_miles", Math.Floor(Miles(hour.VisibilityKm))), ("uv", hour.Uv), ("gust_mph", Miles(gust)), ("gust_kph", gust),
        ];
        foreach (var (name, value) in fields)
        {
            json[name] = value;
        }
    }

    private static JsonObject Condition(Sky sky, bool isDay, WeatherText text) => new()
    {
        ["text"] = text[sky, isDay],
        ["icon"] = $"//cdn.weatherapi.com/weather/64x64/{(isDay ? "day" : "night")}/{sky.Icon}.png",
        ["code"] = sky.Code,
    };

    private static JsonObject AirQuality(WeatherDay day, int hour)
    {
        // Still air keeps it; the numbers are in µg/m³.
        var dirt = 1 + (12 / (1 + day.Hours[hour].WindKph));
        var fine = Math.Round(dirt * 4.3, 2);
        return new JsonObject
        {
            ["co"] = Math.Round(dirt * 110, 2), ["no2"] = Math.Round(dirt * 7, 2), ["o3"] = Math.Round(60 + (dirt * 3), 2), ["so2"] = Math.Round(dirt * 1.6, 2),
            ["pm2_5"] = fine, ["pm10"] = Math.Round(fine * 1.7, 2), ["us-epa-index"] = fine < 12 ? 1 : fine < 35.5 ? 2 : 3, ["gb-defra-index"] = fine < 12 ? 1 : fine < 24 ? 2 : 3,
        };
    }

    private static JsonObject Astro(WeatherDay day, LocalClock clock)
    {
        var age = (day.Date.DayNumber - NewMoon.DayNumber) % SynodicMonth / SynodicMonth;
        // A new moon rises with the sun, a full one when it sets.
        var moonrise = (day.Sunrise + (age * 24)) % 24;
        var hour = clock.Now.TimeOfDay.TotalHours;
        return new JsonObject
        {
            ["sunrise"] = Time(day.Sunrise), ["sunset"] = Time(day.Sunset), ["moonrise"] = Time(moonrise), ["moonset"] = Time((moonrise + 12.4) % 24),
            ["moon_phase"] = MoonPhases[(int)Math.Round(age * 8) % 8],
            ["moon_illumination"] = (int)Math.Round((1 - Math.Cos(age * Math.Tau)) / 2 * 100),
            ["is_moon_up"] = Flag((hour - moonrise + 24) % 24 < 12.4),
            ["is_sun_up"] = Flag(hour >= day.Sunrise && hour < day.Sunset),
        };
    }

    private static string Time(double hours) => TimeOnly.FromTimeSpan(TimeSpan.FromMinutes(Math.Floor((hours + 24) % 24 * 60))).ToString("hh:mm tt", CultureInfo.InvariantCulture);

    private static int Flag(bool value) => value ? 1 : 0;

    private static double Fahrenheit(double celsius) => Math.Round((celsius * 1.8) + 32, 1);

    private static double Miles(double kilometres) => Math.Round(kilometres / 1.609344, 1);

    private static double Inches(double millimetres) => Math.Round(millimetres / 25.4, 2);
}
