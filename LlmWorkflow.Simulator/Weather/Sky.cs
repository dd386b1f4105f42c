namespace LlmWorkflow.Simulator.Weather;

/// <summary>A condition of WeatherAPI.com's list, https://www.weatherapi.com/docs/weather_conditions.json.</summary>
/// <param name="Code">Its code.</param>
/// <param name="Icon">Number of its icon.</param>
/// <param name="Cloud">Percent.</param>
/// <param name="PrecipitationMm">In an hour in which it falls.</param>
internal sealed record Sky(int Code, int Icon, int Cloud, double PrecipitationMm)
{
    public static readonly Sky Clear = new(1000, 113, 5, 0);
    public static readonly Sky PartlyCloudy = new(1003, 116, 35, 0);
    public static readonly Sky Cloudy = new(1006, 119, 75, 0);
    public static readonly Sky Overcast = new(1009, 122, 100, 0);
    public static readonly Sky Mist = new(1030, 143, 60, 0);
    public static readonly Sky LightRain = new(1183, 296, 85, 0.6);
    public static readonly Sky HeavyRain = new(1195, 308, 100, 6);
    public static readonly Sky Thunder = new(1276, 389, 100, 8);
    public static readonly Sky LightSnow = new(1213, 326, 90, 0.6);
    public static readonly Sky HeavySnow = new(1225, 338, 100, 4);

    public bool IsSnow => Code is 1213 or 1225;

    /// <summary>Gets a warning.</summary>
    public bool IsSevere => Code is 1276 or 1225;

    public double VisibilityKm => Code switch { 1030 => 2, 1195 or 1276 => 6, 1225 => 1, _ => 10 };

    /// <param name="chance">0 to 1.</param>
    /// <param name="mean">Mean temperature of the day, °C.</param>
    public static Sky Pick(double chance, double mean) => chance switch
    {
        < 0.28 => Clear,
        < 0.55 => PartlyCloudy,
        < 0.68 => Cloudy,
        < 0.76 => Overcast,
        < 0.80 => Mist,
        < 0.92 => mean < 1 ? LightSnow : LightRain,
        < 0.96 => mean < 1 ? HeavySnow : HeavyRain,
        _ => mean < 1 ? HeavySnow : Thunder,
    };
}

/// <summary>Conditions in words, in a language.</summary>
internal sealed class WeatherText
{
    private static readonly Dictionary<int, string[]> Words = new()
    {
        [1000] = ["Sunny", "Clear", "Sonnig", "Klar", "Soleado", "Despejado", "Ensoleillé", "Clair"],
        [1003] = ["Partly cloudy", "Partly cloudy", "Leicht bewölkt", "Leicht bewölkt", "Parcialmente nublado", "Parcialmente nublado", "Partiellement nuageux", "Partiellement nuageux"],
        [1006] = ["Cloudy", "Cloudy", "Bewölkt", "Bewölkt", "Nublado", "Nublado", "Nuageux", "Nuageux"],
        [1009] = ["Overcast", "Overcast", "Bedeckt", "Bedeckt", "Cielo cubierto", "Cielo cubierto", "Couvert", "Couvert"],
        [1030] = ["Mist", "Mist", "leichter Nebel", "leichter Nebel", "Neblina", "Neblina", "Brume", "Brume"],
        [1183] = ["Light rain", "Light rain", "leichter Regenfall", "leichter Regenfall", "Ligeras lluvias", "Ligeras lluvias", "Pluie légère", "Pluie légère"],
        [1195] = ["Heavy rain", "Heavy rain", "starker Regenfall", "starker Regenfall", "Fuertes lluvias", "Fuertes lluvias", "Forte pluie", "Forte pluie"],
        [1276] =
        [
            "Moderate or heavy rain with thunder", "Moderate or heavy rain with thunder", "mäßiger oder starker Regen mit Gewitter", "mäßiger oder starker Regen mit Gewitter",
            "Lluvias moderadas o fuertes con tormenta", "Lluvias moderadas o fuertes con tormenta", "Pluie modérée à forte avec tonnerre", "Pluie modérée à forte avec tonnerre",
        ],
        [1213] = ["Light snow", "Light snow", "leichter Schneefall", "leichter Schneefall", "Nevadas ligeras", "Nevadas ligeras", "Neige légère", "Neige légère"],
        [1225] = ["Heavy snow", "Heavy snow", "starker Schneefall", "starker Schneefall", "Fuertes nevadas", "Fuertes nevadas", "Forte neige", "Forte neige"],
    };

    private readonly int language;

    private WeatherText(int language) => this.language = language;

    /// <summary>English for languages that the simulator has no words of.</summary>
    public static WeatherText Of(string? language) => new(language switch { "de" => 2, "es" => 4, "fr" => 6, _ => 0 });

    public string this[Sky sky, bool isDay] => Words[sky.Code][language + (isDay ? 0 : 1)];
}
