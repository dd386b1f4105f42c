using System.Net;
using System.Text.Json;

namespace LlmWorkflow.Tests.Simulator;

public sealed class WeatherTests : ServiceWire
{
    [Fact]
    public async Task Current_City_HasTheFieldsOfTheRealOne()
    {
        var reply = await ReadAsync(Weather("current.json?q=Austin&aqi=yes"));

        Assert.Equal(["location", "current"], Names(reply));
        Assert.Equal(["name", "region", "country", "lat", "lon", "tz_id", "localtime_epoch", "localtime"], Names(reply.GetProperty("location")));
        Assert.Equal(("Austin", "Texas", "America/Chicago"), (Text(reply, "location", "name"), Text(reply, "location", "region"), Text(reply, "location", "tz_id")));
        string[] measured =
        [
            "last_updated_epoch", "last_updated", "temp_c", "temp_f", "is_day", "condition", "wind_mph", "wind_kph", "wind_degree", "wind_dir", "pressure_mb",
            "pressure_in", "precip_mm", "precip_in", "humidity", "cloud", "feelslike_c", "feelslike_f", "windchill_c", "windchill_f", "heatindex_c", "heatindex_f",
            "dewpoint_c", "dewpoint_f", "vis_km", "vis_miles", "uv", "gust_mph", "gust_kph", "air_quality",
        ];
        Assert.Equal(measured, Names(reply.GetProperty("current")));
        Assert.Equal(["co", "no2", "o3", "so2", "pm2_5", "pm10", "us-epa-index", "gb-defra-index"], Names(reply.GetProperty("current").GetProperty("air_quality")));
        Assert.Equal(["text", "icon", "code"], Names(reply.GetProperty("current").GetProperty("condition")));
    }

    [Fact]
    public async Task Forecast_Days_HasThatManyOf24HoursThatFitTheirDay()
    {
        var reply = await ReadAsync(Weather("forecast.json?q=30.2672,-97.7431&days=14&alerts=yes"));
        var days = reply.GetProperty("forecast").GetProperty("forecastday").EnumerateArray().ToList();

        Assert.Equal(14, days.Count);
        Assert.Equal(JsonValueKind.Array, reply.GetProperty("alerts").GetProperty("alert").ValueKind);
        Assert.Equal(14, days.Select(day => Text(day, "date")).Distinct().Count());
        Assert.All(days, day =>
        {
            Assert.Equal(["date", "date_epoch", "day", "astro", "hour"], Names(day));
            var hours = day.GetProperty("hour").EnumerateArray().ToList();
            Assert.Equal(24, hours.Count);
            Assert.Equal(day.GetProperty("day").GetProperty("maxtemp_c").GetDouble(), hours.Max(hour => hour.GetProperty("temp_c").GetDouble()));
            Assert.Equal(hours.Any(hour => hour.GetProperty("will_it_rain").GetInt32() == 1) ? 1 : 0, day.GetProperty("day").GetProperty("daily_will_it_rain").GetInt32());
            Assert.Matches(@"^0[4-9]:\d\d AM$", Text(day, "astro", "sunrise"));
            Assert.InRange(day.GetProperty("day").GetProperty("mintemp_c").GetDouble(), -25, 45);
        });
    }

    [Fact]
    public async Task Forecast_Again_SameDaysAndWithoutDaysOnlyToday()
    {
        var first = await ReadAsync(Weather("forecast.json?q=London&days=3"));
        var again = await ReadAsync(Weather("forecast.json?q=London&days=3"));
        var other = await ReadAsync(Weather("forecast.json?q=Tokyo"));

        Assert.Equal(Days(first).Select(day => day.GetProperty("day").GetRawText()), Days(again).Select(day => day.GetProperty("day").GetRawText()));
        Assert.NotEqual(Days(first)[0].GetProperty("day").GetRawText(), Assert.Single(Days(other)).GetProperty("day").GetRawText());
        Assert.False(first.TryGetProperty("alerts", out _));
    }

    [Fact]
    public async Task Forecast_ManyPlaces_SomeHaveAlertsAndAllConditionsHaveWords()
    {
        List<JsonElement> alerts = [];
        foreach (var place in new[] { "Austin", "Berlin", "Springfield", "94102", "-80,10", "70.5,25" })
        {
            var reply = await ReadAsync(Weather($"forecast.json?q={place}&days=14&alerts=yes&lang=de&aqi=yes"));
            alerts.AddRange(reply.GetProperty("alerts").GetProperty("alert").EnumerateArray());
            Assert.All(Days(reply), day => Assert.DoesNotContain("unny", Text(day.GetProperty("day"), "condition", "text"), StringComparison.Ordinal));
        }

        Assert.NotEmpty(alerts);
        Assert.Equal("Severe", Text(alerts[0], "severity"));
    }

    [Theory]
    [InlineData("current.json?q=Austin", null, 401, 1002)]
    [InlineData("current.json?q=Austin", "a-wrong-key", 401, 2006)]
    [InlineData("current.json", Key, 400, 1003)]
    [InlineData("marine.json?q=Austin", Key, 400, 1005)]
    [InlineData("current.json?q=Nowhere%20at%20all", Key, 400, 1006)]
    [InlineData("forecast.json?q=95,10", Key, 400, 1006)]
    public async Task Get_WrongRequest_ErrorWithItsCode(string path, string? key, int status, int code)
    {
        var (answered, body) = await AskAsync(Weather(path, key));

        Assert.Equal((status, code), ((int)answered, body.GetProperty("error").GetProperty("code").GetInt32()));
        Assert.NotEmpty(Text(body, "error", "message"));
    }

    [Theory]
    [InlineData("2007", 403)]
    [InlineData("2008", 403)]
    [InlineData("9999", 400)]
    public async Task ErrorCode_Asked_HasItsUsualStatus(string code, int status)
    {
        await BehaveAsync($$"""{"match":{"path":"/weatherapi"},"error_code":"{{code}}"}""");

        var (answered, body) = await AskAsync(Weather("current.json?q=Austin"));

        Assert.Equal((HttpStatusCode)status, answered);
        Assert.Equal(code, body.GetProperty("error").GetProperty("code").GetRawText());
    }

    private static JsonElement[] Days(JsonElement reply) => [.. reply.GetProperty("forecast").GetProperty("forecastday").EnumerateArray()];

    private static IEnumerable<string> Names(JsonElement element) => element.EnumerateObject().Select(property => property.Name);

    private static string Text(JsonElement element, params string[] path) => path.Aggregate(element, (at, name) => at.GetProperty(name)).GetString()!;
}
