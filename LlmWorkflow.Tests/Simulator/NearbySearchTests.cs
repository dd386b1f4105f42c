using System.Net;
using System.Text.Json;

namespace LlmWorkflow.Tests.Simulator;

public sealed class NearbySearchTests : SimulatorServer
{
    private const string Fields = "places.id,places.displayName,places.formattedAddress,places.nationalPhoneNumber,places.location,places.types";

    [Fact]
    public async Task Post_AustinHospitals_ReturnsPlausiblePlacesNearThePoint()
    {
        var places = Places(await SearchAsync(Body(radius: 5000, types: "\"hospital\""), Fields));

        Assert.NotEmpty(places);
        Assert.All(places, place =>
        {
            Assert.NotEmpty(place.GetProperty("displayName").GetProperty("text").GetString()!);
            Assert.Contains("Austin, TX", place.GetProperty("formattedAddress").GetString(), StringComparison.Ordinal);
            Assert.Matches(@"^\(512\) 555-01\d\d$", place.GetProperty("nationalPhoneNumber").GetString());
            Assert.Equal("hospital", place.GetProperty("types")[0].GetString());
            Assert.InRange(place.GetProperty("location").GetProperty("latitude").GetDouble(), 30.22, 30.32);
        });
        Assert.Equal(places.Length, places.Select(place => place.GetProperty("id").GetString()).Distinct().Count());
    }

    [Fact]
    public async Task Post_FieldMask_OnlyAskedFields()
    {
        var places = Places(await SearchAsync(Body(), "places.displayName.text, places.currentOpeningHours.openNow,places.priceLevel"));

        Assert.All(places, place =>
        {
            Assert.Equal(["displayName", "currentOpeningHours"], place.EnumerateObject().Select(property => property.Name));
            Assert.Equal(["text"], place.GetProperty("displayName").EnumerateObject().Select(property => property.Name));
        });
    }

    [Fact]
    public async Task Post_StarMask_AllFields()
    {
        var place = Places(await SearchAsync(Body(), "*"))[0];

        Assert.True(place.TryGetProperty("websiteUri", out _));
        Assert.True(place.TryGetProperty("internationalPhoneNumber", out _));
        Assert.True(place.TryGetProperty("rating", out _));
    }

    [Fact]
    public async Task Post_SameRequest_SamePlacesAndMoreInAWiderCircle()
    {
        var first = Ids(await SearchAsync(Body(radius: 1000, most: 20), Fields));
        var again = Ids(await SearchAsync(Body(radius: 1000, most: 20), Fields));
        var wider = Ids(await SearchAsync(Body(radius: 5000, most: 20), Fields));

        Assert.Equal(first, again);
        Assert.True(wider.Length > first.Length);
        Assert.Superset(first.ToHashSet(), wider.ToHashSet());
    }

    [Fact]
    public async Task Post_MaxResultCountAndDistance_LimitsAndSorts()
    {
        var places = Places(await SearchAsync(Body(radius: 20_000, most: 5, rank: "DISTANCE"), Fields));

        Assert.Equal(5, places.Length);
        var distances = places.Select(Distance).ToList();
        Assert.Equal(distances.Order(), distances);
    }

    [Fact]
    public async Task Post_NothingFound_EmptyObject()
    {
        Assert.Equal("{}", await (await SearchAsync(Body(radius: 49), Fields)).Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData(null, Fields, 403, "PERMISSION_DENIED")]
    [InlineData("key", null, 400, "INVALID_ARGUMENT")]
    [InlineData("key", "places.bogus", 400, "INVALID_ARGUMENT")]
    [InlineData("key", "displayName", 400, "INVALID_ARGUMENT")]
    public async Task Post_KeyOrMaskMissingOrWrong_RpcError(string? key, string? mask, int status, string rpcStatus)
    {
        var error = await ErrorAsync(await SearchAsync(Body(), mask, key));

        Assert.Equal(status, error.GetProperty("code").GetInt32());
        Assert.Equal(rpcStatus, error.GetProperty("status").GetString());
    }

    [Theory]
    [InlineData("""{"includedTypes":["hospital"]}""", "circle")]
    [InlineData("""{"locationRestriction":{"circle":{"center":{"latitude":91,"longitude":0},"radius":5}}}""", "latitude")]
    [InlineData("""{"locationRestriction":{"circle":{"center":{"latitude":1,"longitude":0},"radius":50001}}}""", "radius")]
    [InlineData("""{"maxResultCount":21,"locationRestriction":{"circle":{"center":{"latitude":1,"longitude":0},"radius":5}}}""", "max_result_count")]
    [InlineData("""{"includedTypes":"hospital","locationRestriction":{"circle":{"center":{"latitude":1,"longitude":0},"radius":5}}}""", "includedTypes")]
    [InlineData("""{"includedTypes":["Not A Type"],"locationRestriction":{"circle":{"center":{"latitude":1,"longitude":0},"radius":5}}}""", "Unsupported types: Not A Type")]
    [InlineData("nonsense", "Invalid JSON payload")]
    public async Task Post_InvalidBody_400NamesTheFault(string body, string part)
    {
        var response = await SearchAsync(body, Fields);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains(part, (await ErrorAsync(response)).GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Post_BehaviorSet_ErrorAndRateLimitInRpcShape()
    {
        await BehaveAsync("""{"match":{"path":"searchNearby"},"error_status":503,"retry_after":2,"requests_per_minute":1}""");

        var unavailable = await SearchAsync(Body(), Fields);
        var limited = await SearchAsync(Body(), Fields);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, unavailable.StatusCode);
        Assert.Equal("2", unavailable.Headers.GetValues("retry-after").Single());
        Assert.Equal("UNAVAILABLE", (await ErrorAsync(unavailable)).GetProperty("status").GetString());
        Assert.Equal(HttpStatusCode.TooManyRequests, limited.StatusCode);
        Assert.Equal("RESOURCE_EXHAUSTED", (await ErrorAsync(limited)).GetProperty("status").GetString());
        Assert.Equal(["error", "error"], (await LedgerAsync()).Select(call => call.GetProperty("outcome").GetString()));
    }

    private async Task<HttpResponseMessage> SearchAsync(string body, string? mask, string? key = "test")
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Nearby) { Content = Json(body) };
        request.Headers.TryAddWithoutValidation("X-Goog-Api-Key", key);
        request.Headers.TryAddWithoutValidation("X-Goog-FieldMask", mask);
        return await Http.SendAsync(request);
    }

    private static string Body(double radius = 3000, string types = "\"hospital\",\"police\"", int most = 10, string rank = "POPULARITY") => $$$"""
        {"includedTypes":[{{{types}}}],"maxResultCount":{{{most}}},"rankPreference":"{{{rank}}}",
         "locationRestriction":{"circle":{"center":{"latitude":30.2672,"longitude":-97.7431},"radius":{{{radius}}} } } }
        """;

    private static JsonElement[] Places(HttpResponseMessage response)
    {
        using var stream = response.Content.ReadAsStream();
        using var document = JsonDocument.Parse(stream);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return [.. document.RootElement.Clone().GetProperty("places").EnumerateArray()];
    }

    private static string[] Ids(HttpResponseMessage response) => [.. Places(response).Select(place => place.GetProperty("id").GetString()!)];

    private static async Task<JsonElement> ErrorAsync(HttpResponseMessage response) =>
        Parse(await response.Content.ReadAsStringAsync()).GetProperty("error");

    private static double Distance(JsonElement place)
    {
        var location = place.GetProperty("location");
        var north = location.GetProperty("latitude").GetDouble() - 30.2672;
        var east = (location.GetProperty("longitude").GetDouble() + 97.7431) * Math.Cos(30.2672 * Math.PI / 180);
        return Math.Round(Math.Sqrt((north * north) + (east * east)), 6);
    }
}
