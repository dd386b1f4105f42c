using System.Net;
using System.Text.Json;

namespace LlmWorkflow.Tests.Simulator;

public sealed class TextSearchTests : ServiceWire
{
    [Fact]
    public async Task Post_AllPages_Are60PlacesInThreePages()
    {
        List<string> ids = [];
        string? token = null;
        var pages = 0;
        do
        {
            var page = await SearchAsync($$"""{"textQuery":"pharmacies in Austin"{{(token is null ? "" : $",\"pageToken\":\"{token}\"")}}}""");
            ids.AddRange(page.GetProperty("places").EnumerateArray().Select(place => place.GetProperty("id").GetString()!));
            token = page.TryGetProperty("nextPageToken", out var next) ? next.GetString() : null;
            pages++;
        }
        while (token is not null);

        Assert.Equal((60, 3), (ids.Distinct().Count(), pages));
    }

    [Fact]
    public async Task Post_MaskWithoutTheToken_NoToken() =>
        Assert.Equal(["places"], (await SearchAsync("""{"textQuery":"pharmacies in Austin"}""", "places.id")).EnumerateObject().Select(property => property.Name));

    [Fact]
    public async Task Post_TokenOfAnotherSearch_400()
    {
        var token = (await SearchAsync("""{"textQuery":"pharmacy"}""")).GetProperty("nextPageToken").GetString();

        var (status, body) = await AskAsync(Places(HttpMethod.Post, "places:searchText", $$"""{"textQuery":"hospital","pageToken":"{{token}}"}"""));

        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Equal("Request parameters for paging requests must match the initial SearchText request.", body.GetProperty("error").GetProperty("message").GetString());
    }

    [Theory]
    [InlineData("pharmacies in Chicago", "pharmacy", "Chicago, IL")]
    [InlineData("emergency shelters near Austin", "emergency_shelter", "Austin, TX")]
    public async Task Post_Query_DecidesTypeAndCity(string query, string type, string address)
    {
        var place = (await SearchAsync($$"""{"textQuery":"{{query}}","pageSize":1}""", "*")).GetProperty("places")[0];

        Assert.Equal(type, place.GetProperty("primaryType").GetString());
        Assert.Contains(address, place.GetProperty("formattedAddress").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Post_Restriction_KeepsInside()
    {
        const string Body = """{"textQuery":"park","locationRestriction":{"rectangle":{"low":{"latitude":30.2,"longitude":-97.8},"high":{"latitude":30.3,"longitude":-97.7}}}}""";
        var places = (await SearchAsync(Body, "places.location")).GetProperty("places").EnumerateArray().Select(place => place.GetProperty("location")).ToList();

        Assert.NotEmpty(places);
        Assert.All(places, place =>
        {
            Assert.InRange(place.GetProperty("latitude").GetDouble(), 30.2, 30.3);
            Assert.InRange(place.GetProperty("longitude").GetDouble(), -97.8, -97.7);
        });
    }

    [Fact]
    public async Task Post_OpenNowAndMinRating_LeaveOthersOut()
    {
        var places = (await SearchAsync("""{"textQuery":"park in Austin","openNow":true,"minRating":4.2}""", "*")).GetProperty("places").EnumerateArray().ToList();

        Assert.NotEmpty(places);
        Assert.All(places, place =>
        {
            Assert.True(place.GetProperty("currentOpeningHours").GetProperty("openNow").GetBoolean());
            Assert.InRange(place.GetProperty("rating").GetDouble(), 4.2, 5);
        });
    }

    [Fact]
    public async Task Post_Nowhere_EmptyObject() => Assert.Equal("{}", (await SearchAsync("""{"textQuery":"nowhere to be found"}""")).GetRawText());

    [Theory]
    [InlineData("""{"pageSize":5}""", "Empty text_query")]
    [InlineData("""{"textQuery":"a","pageSize":-1}""", "Invalid page_size")]
    [InlineData("""{"textQuery":"a","keyword":"b"}""", "Unknown name \"keyword\": Cannot find field.")]
    [InlineData("""{"textQuery":"a","includedType":"Not A Type"}""", "Unsupported types")]
    [InlineData("""{"textQuery":"a","locationRestriction":{"circle":{}}}""", "Unknown name \"circle\" at 'location_restriction'")]
    [InlineData("""{"textQuery":"a","locationBias":{"circle":{"center":{"latitude":91,"longitude":0},"radius":5}}}""", "latitude")]
    [InlineData("""{"textQuery":"a","pageToken":"?"}""", "Invalid page_token")]
    public async Task Post_InvalidBody_400NamesTheFault(string body, string part)
    {
        var (status, reply) = await AskAsync(Places(HttpMethod.Post, "places:searchText", body));

        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains(part, reply.GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Get_PlaceOfASearch_IsTheSamePlace()
    {
        var found = (await SearchAsync("""{"textQuery":"library in Denver","pageSize":20}""", "places.id,places.displayName,places.location")).GetProperty("places")[13];

        var place = await ReadAsync(Places(HttpMethod.Get, $"places/{found.GetProperty("id").GetString()}", mask: "id,displayName,location"));

        Assert.Equal(found.GetRawText(), place.GetRawText());
    }

    [Theory]
    [InlineData("ChIJAAAAAAAAAAAAAAAAAAAAAAA", "displayName", 404, "NOT_FOUND")]
    [InlineData("nothing-like-it", "displayName", 400, "INVALID_ARGUMENT")]
    [InlineData("ChIJAAAAAAAAAAAAAAAAAAAAAAA", null, 400, "INVALID_ARGUMENT")]
    [InlineData("ChIJAAAAAAAAAAAAAAAAAAAAAAA", "places.displayName", 400, "INVALID_ARGUMENT")]
    public async Task Get_UnknownIdOrMask_RpcError(string id, string? mask, int status, string code)
    {
        var error = (await AskAsync(Places(HttpMethod.Get, $"places/{id}", mask: mask))).Body.GetProperty("error");

        Assert.Equal((status, code), (error.GetProperty("code").GetInt32(), error.GetProperty("status").GetString()));
    }

    [Fact]
    public async Task Post_WrongKey_400ApiKeyInvalid()
    {
        var (status, body) = await AskAsync(Places(HttpMethod.Post, "places:searchText", """{"textQuery":"a"}""", key: "a-wrong-key"));

        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Equal("API_KEY_INVALID", body.GetProperty("error").GetProperty("details")[0].GetProperty("reason").GetString());
    }

    [Fact]
    public async Task Post_KeyAndMaskInTheQuery_Work()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/places/v1/places:searchText?key={Key}&$fields=places.id") { Content = Json("""{"textQuery":"a park"}""") };

        Assert.Equal(20, (await ReadAsync(request)).GetProperty("places").GetArrayLength());
    }

    private Task<JsonElement> SearchAsync(string body, string mask = "places.id,nextPageToken") => ReadAsync(Places(HttpMethod.Post, "places:searchText", body, mask));
}
