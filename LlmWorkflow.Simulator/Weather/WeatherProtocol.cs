using System.Globalization;
using System.Text.Json.Nodes;
using LlmWorkflow.Simulator.Completions;
using LlmWorkflow.Simulator.Services;

namespace LlmWorkflow.Simulator.Weather;

/// <summary>WeatherAPI.com under <c>/weatherapi/v1</c>: <c>GET current.json</c> and <c>GET forecast.json</c>.</summary>
internal sealed class WeatherProtocol(TimeProvider time) : ServiceProtocol("weatherapi", "/weatherapi/v1", "key")
{
    private const int MostDays = 14;

    public override string? KeyOf(HttpRequest request) => Given(request.Query["key"]);

    public override ServiceAnswer Answer(ServiceRequest request)
    {
        if (request.Key is not { } key)
        {
            return WeatherError.NoKey.Answer();
        }

        if (!ApiKeys.IsKnown(key))
        {
            return WeatherError.InvalidKey.Answer();
        }

        if (request is not { Method: "GET", Path: "/current.json" or "/forecast.json" })
        {
            return WeatherError.InvalidUrl.Answer();
        }

        if (request.Query("q") is not { } place)
        {
            return WeatherError.NoPlace.Answer();
        }

        return WeatherPlace.Find(place) is { } found ? ServiceAnswer.Ok(Report(request, found)) : WeatherError.NoMatch.Answer();
    }

    public override ServiceAnswer Error(int? status, string? code, string? note)
    {
        var error = WeatherError.Of(status, code);
        return (note is null ? error : error with { Message = $"{error.Message} {note}" }).Answer();
    }

    public override JsonObject ErrorUnder200(string? code, string? note) => Error(status: null, code, note).Body;

    private JsonObject Report(ServiceRequest request, WeatherPlace place)
    {
        var clock = new LocalClock(place, time.GetUtcNow());
        var text = WeatherText.Of(request.Query("lang"));
        var air = request.Query("aqi") is "yes";
        var today = new WeatherDay(place, clock.Today);
        var reply = new JsonObject { ["location"] = WeatherJson.Location(place, clock), ["current"] = WeatherJson.Current(today, clock, text, air) };
        if (request.Path is "/forecast.json")
        {
            // Out of bounds it gives what it has; without a number today alone.
            var days = int.TryParse(request.Query("days"), NumberStyles.Integer, CultureInfo.InvariantCulture, out var asked) ? Math.Clamp(asked, 1, MostDays) : 1;
            var coming = Enumerable.Range(0, days).Select(offset => new WeatherDay(place, clock.Today.AddDays(offset))).ToList();
            reply["forecast"] = new JsonObject { ["forecastday"] = new JsonArray([.. coming.Select(day => WeatherJson.Day(day, clock, text, air))]) };
            if (request.Query("alerts") is "yes")
            {
                reply["alerts"] = new JsonObject { ["alert"] = new JsonArray([.. coming.Where(day => day.IsSevere).Select(day => WeatherJson.Alert(day, clock))]) };
            }
        }

        return reply;
    }
}
