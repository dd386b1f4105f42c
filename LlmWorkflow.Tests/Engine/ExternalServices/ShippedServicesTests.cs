using System.Text;
using System.Text.Json;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.ExternalServices;
using LlmWorkflow.Tests.Engine.Definitions;
using NJsonSchema;
using static LlmWorkflow.Tests.Engine.ExternalServices.ServiceFiles;

namespace LlmWorkflow.Tests.Engine.ExternalServices;

/// <summary>The files under <c>workflows/services</c>.</summary>
public sealed class ShippedServicesTests
{
    private static readonly string s_folder = Path.Combine(ShippedWorkflows.Directory, "services");

    private static readonly Lazy<JsonSchema> s_schema = new(() =>
        JsonSchema.FromJsonAsync(File.ReadAllText(Path.Combine(ShippedWorkflows.Directory, "service.schema.json"))).GetAwaiter().GetResult());

    public static IEnumerable<object[]> Names => Directory.GetFiles(s_folder, "*.json").Order(StringComparer.Ordinal).Select(file => new object[] { Path.GetFileNameWithoutExtension(file) });

    [Theory]
    [MemberData(nameof(Names))]
    public void File_EachOne_IsTakenByReaderAndSchema(string name)
    {
        var text = File.ReadAllText(Path.Combine(s_folder, name + ".json"));

        Assert.Empty(ServiceIssues.Read(name, text).Issues.Select(issue => $"{issue.Line}: {issue.Message}"));
        Assert.Empty(s_schema.Value.Validate(text).Select(error => error.ToString()));
        Assert.Equal("../service.schema.json", Json(text).GetProperty("$schema").GetString());
    }

    [Fact]
    public void Folder_ThereAreThree() => Assert.Equal(["google_places", "http_example", "weatherapi"], Names.Select(name => (string)name[0]));

    [Theory]
    [InlineData("weatherapi", "current", """{"q":"Reno, NV"}""", "GET https://api.weatherapi.com/v1/current.json?q=Reno%2C%20NV&aqi=no&key=k3y")]
    [InlineData("weatherapi", "current", """{"lat":"39.5","lon":-119.8,"aqi":true,"lang":"de"}""", "GET https://api.weatherapi.com/v1/current.json?q=39.5%2C-119.8&aqi=yes&lang=de&key=k3y")]
    [InlineData("weatherapi", "forecast", """{"location":"Reno","days":14,"alerts":true}""", "GET https://api.weatherapi.com/v1/forecast.json?q=Reno&days=14&aqi=no&alerts=yes&key=k3y")]
    [InlineData("google_places", "place_details", """{"id":"ChIJ/x","language":"de"}""", "GET https://places.googleapis.com/v1/places/ChIJ%2Fx?languageCode=de")]
    [InlineData("http_example", "list_items", """{"limit":70}""", "GET https://api.example.com/v1/items?limit=50")]
    [InlineData("http_example", "get_item", """{"id":7}""", "GET https://api.example.com/v1/items/7")]
    [InlineData("http_example", "create_item", """{"name":"Lamp","price":"9.5","tag":"new"}""", """POST https://api.example.com/v1/items {"name":"Lamp","price":9.5,"tags":["new"]}""")]
    [InlineData("http_example", "status", "{}", "GET https://api.example.com/v1/status")]
    [InlineData(
        "google_places", "text_search", """{"q":"pharmacies in Reno","max_results":45,"type":"pharmacy","open_now":true}""",
        """POST https://places.googleapis.com/v1/places:searchText {"textQuery":"pharmacies in Reno","includedType":"pharmacy","openNow":true,"pageSize":20}""")]
    [InlineData(
        "google_places", "text_search", """{"query":"cafe","lat":1,"lng":2,"max_results":5}""",
        """POST https://places.googleapis.com/v1/places:searchText {"textQuery":"cafe","locationBias":{"circle":{"center":{"latitude":1,"longitude":2},"radius":5000}},"pageSize":5}""")]
    public void Operation_Parameters_MakeTheRequest(string service, string operation, string given, string request)
    {
        var definition = Read(service);
        var parameters = ServiceParameters.Check(service, operation, definition.Operations[operation], Values(given));

        var built = ServiceRequest.Build(definition, operation, parameters, definition.Operations[operation].Pagination is null ? null : ServicePage.First, Key);

        Assert.Equal(request, $"{built.Method} {built.Url.AbsoluteUri} {(built.Body is null ? "" : Encoding.UTF8.GetString(built.Body))}".Trim());
    }

    [Theory]
    [InlineData("weatherapi", "current", "{}", "give q, or lat and lng")]
    [InlineData("weatherapi", "current", """{"lat":1}""", "give q, or lat and lng")]
    [InlineData("weatherapi", "forecast", """{"q":"x","days":15}""", "'days' must be an integer from 1 to 14, but is 15")]
    [InlineData("google_places", "text_search", """{"query":"x","max_results":61}""", "'max_results' must be an integer from 1 to 60, but is 61")]
    [InlineData("google_places", "text_search", """{"query":"x","types":["a","b"]}""", "'types' must be an array of strings of at most 1 items")]
    public void Operation_WrongParameters_AreRefused(string service, string operation, string given, string problem) =>
        Assert.Contains(problem, Assert.Throws<WorkflowException>(() => ServiceParameters.Check(service, operation, Read(service).Operations[operation], Values(given))).Message);

    [Theory]
    [InlineData("weatherapi", "current", 400, """{"error":{"code":1006,"message":"No matching location found."}}""", ErrorTypes.InvalidParameter, ErrorCategory.User, false)]
    [InlineData("weatherapi", "current", 401, """{"error":{"code":2006,"message":"API key is invalid."}}""", ErrorTypes.AuthenticationFailed, ErrorCategory.Config, false)]
    [InlineData("weatherapi", "current", 401, """{"error":{"code":1002,"message":"API key is missing."}}""", ErrorTypes.AuthenticationFailed, ErrorCategory.Config, false)]
    [InlineData("weatherapi", "current", 403, """{"error":{"code":2007,"message":"exceeded"}}""", ErrorTypes.QuotaExceeded, ErrorCategory.Config, false)]
    [InlineData("weatherapi", "current", 403, """{"error":{"code":2008,"message":"disabled"}}""", ErrorTypes.AuthenticationFailed, ErrorCategory.Config, false)]
    [InlineData("weatherapi", "current", 400, """{"error":{"code":9999,"message":"Internal application error."}}""", ErrorTypes.UpstreamServerError, ErrorCategory.External, true)]
    [InlineData("weatherapi", "current", 400, """{"error":{"code":1005,"message":"API URL is invalid."}}""", ErrorTypes.UpstreamBadRequest, ErrorCategory.External, false)]
    [InlineData("google_places", "nearby_search", 400, """{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT"}}""", ErrorTypes.AuthenticationFailed, ErrorCategory.Config, false)]
    [InlineData("google_places", "nearby_search", 400, """{"error":{"code":400,"message":"Invalid radius","status":"INVALID_ARGUMENT"}}""", ErrorTypes.UpstreamBadRequest, ErrorCategory.External, false)]
    [InlineData("google_places", "place_details", 404, """{"error":{"code":404,"message":"gone","status":"NOT_FOUND"}}""", ErrorTypes.InvalidParameter, ErrorCategory.User, false)]
    [InlineData("google_places", "nearby_search", 400, "{}", ErrorTypes.UpstreamBadRequest, ErrorCategory.External, false)]
    [InlineData("http_example", "status", 200, """{"status":"failed","message":"disk full"}""", ErrorTypes.UpstreamServerError, ErrorCategory.External, true)]
    [InlineData("http_example", "get_item", 404, """{"error":{"code":"not_found","message":"no such item"}}""", ErrorTypes.InvalidParameter, ErrorCategory.User, false)]
    public void Operation_FailedReply_IsTypedError(string service, string operation, int status, string body, string type, ErrorCategory category, bool retryable)
    {
        var error = ReplyReader.Check(Read(service).Operations[operation], new ServiceReply(status, Json(body), "application/json", null), "k3y")!;

        Assert.Equal((type, category, retryable), (error.Type, error.Category, error.Retryable));
        var words = Json(body).TryGetProperty("error", out var told) ? told.GetProperty("message").GetString() : Json(body).TryGetProperty("message", out told) ? told.GetString() : null;
        Assert.Equal(words is not null, error.Message.Contains($"It said: {words}", StringComparison.Ordinal));
    }

    [Fact]
    public async Task TextSearch_Pages_AreFollowedWithTheirToken()
    {
        List<string> bodies = [];
        var pages = new ServicePages((_, _, request, _, _) =>
        {
            bodies.Add(Encoding.UTF8.GetString(request.Body!));
            return Task.FromResult<(ServiceReply?, WorkflowError?, int)>(
                (new ServiceReply(200, Json($$"""{"places":[{"id":"{{bodies.Count}}"}]{{(bodies.Count < 3 ? $",\"nextPageToken\":\"t{bodies.Count}\"" : "")}}}"""), "application/json", null), null, 200));
        });

        var outcome = await pages.AskAsync(Read("google_places"), "text_search", Json("""{"query":"x","max_results":60,"radius":5000}"""), Key, null, CancellationToken.None);

        Assert.Equal("""{"places":[{"id":"1"},{"id":"2"},{"id":"3"}],"complete":true}""", outcome.Data.GetRawText());
        Assert.Equal("""{"textQuery":"x","pageSize":20,"pageToken":"t2"}""", bodies[2]);
    }

    private static string? Key(string variable) => variable.EndsWith("_KEY", StringComparison.Ordinal) ? "k3y" : null;

    private static ServiceDefinition Read(string name) => ServiceFileReader.Read(name, File.ReadAllText(Path.Combine(s_folder, name + ".json"))).Service;
}
