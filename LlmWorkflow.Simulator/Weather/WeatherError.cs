using System.Globalization;
using System.Text.Json.Nodes;
using LlmWorkflow.Simulator.Services;

namespace LlmWorkflow.Simulator.Weather;

/// <summary>An error of WeatherAPI.com, https://www.weatherapi.com/docs/#intro-error-codes.</summary>
internal sealed record WeatherError(int Status, int Code, string Message)
{
    public static readonly WeatherError NoKey = new(401, 1002, "API key is invalid or not provided.");
    public static readonly WeatherError NoPlace = new(400, 1003, "Parameter q is missing.");
    public static readonly WeatherError InvalidUrl = new(400, 1005, "API URL is invalid.");
    public static readonly WeatherError NoMatch = new(400, 1006, "No matching location found.");
    public static readonly WeatherError InvalidKey = new(401, 2006, "API key is invalid.");
    public static readonly WeatherError OverQuota = new(403, 2007, "API key has exceeded calls per month quota.");
    public static readonly WeatherError Disabled = new(403, 2008, "API key has been disabled.");
    public static readonly WeatherError NoAccess = new(403, 2009, "API key does not have access to the resource. Please check pricing page for what is allowed in your API subscription plan.");
    public static readonly WeatherError Internal = new(400, 9999, "Internal application error.");

    private static readonly WeatherError[] All = [NoKey, NoPlace, InvalidUrl, NoMatch, InvalidKey, OverQuota, Disabled, NoAccess, Internal];

    /// <summary>An error by status, code or both; 9999 with neither.</summary>
    public static WeatherError Of(int? status, string? code)
    {
        var known = code is null
            ? status is StatusCodes.Status429TooManyRequests ? OverQuota : Array.Find(All, error => error.Status == status) ?? Internal
            : Array.Find(All, error => error.Code.ToString(CultureInfo.InvariantCulture) == code)
                ?? Internal with { Code = int.TryParse(code, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : Internal.Code };
        return known with { Status = status ?? known.Status };
    }

    /// <summary>As it is sent.</summary>
    public ServiceAnswer Answer() => new(Status, new JsonObject { ["error"] = new JsonObject { ["code"] = Code, ["message"] = Message } });
}
