using System.Text.Json;
using LlmWorkflow.Tests.Support;

namespace LlmWorkflow.Tests.Cli;

public sealed class CallCommandTests
{
    private static readonly string[] Nearby = ["call", "google_places", "nearby_search", "--param", "lat=30.2672", "--param", "lng=-97.7431"];

    [Fact]
    public async Task Call_Operation_PrintsItsDataAloneOnStandardOutput()
    {
        await using var upstreams = await SimulatedUpstreams.StartAsync();
        var call = new CliCall();
        upstreams.Give(call);

        Assert.True(await call.RunAsync([.. Nearby, "--param", "types=hospital", "--param", "max_results=3"]) == 0, call.Error);

        var places = JsonElement.Parse(call.Out).GetProperty("places");
        Assert.Equal(3, places.GetArrayLength());
        Assert.All(places.EnumerateArray(), place => Assert.Equal("hospital", place.GetProperty("primaryType").GetString()));
        Assert.Matches(@"google_places\.nearby_search: status 200, \d+ ms", call.Error);
        Assert.DoesNotContain(SimulatedUpstreams.Key, call.Error + call.Out);
    }

    [Fact]
    public async Task Call_Json_IsOneObject()
    {
        await using var upstreams = await SimulatedUpstreams.StartAsync();
        var call = new CliCall { In = """{"lat":30.2672,"lng":-97.7431,"types":["park"],"max_results":20}""" };
        upstreams.Give(call);

        Assert.True(await call.RunAsync("call", "google_places", "nearby_search", "--params", "-", "--param", "types=[\"police\"]", "--json") == 0, call.Error);

        var report = JsonElement.Parse(call.Out);
        Assert.Equal(["service", "operation", "status_code", "cached", "duration_ms", "data"], report.EnumerateObject().Select(property => property.Name));
        Assert.Equal(200, report.GetProperty("status_code").GetInt32());
        // The command line goes before the file.
        Assert.Equal("police", report.GetProperty("data").GetProperty("places")[0].GetProperty("primaryType").GetString());
    }

    [Fact]
    public async Task Call_ParameterOfAFile_IsReadByItsType()
    {
        using var folder = new WorkflowTree();
        await File.WriteAllTextAsync(Path.Combine(folder.Root, "types.json"), """["library","park"]""");
        await using var upstreams = await SimulatedUpstreams.StartAsync();
        var call = new CliCall { CurrentDirectory = folder.Root };
        upstreams.Give(call);

        Assert.True(await call.RunAsync([.. Nearby, "--workflows", ".", "--param", "type=@types.json"]) == 0, call.Error);

        Assert.Equal(["library", "park"], JsonElement.Parse(call.Out).GetProperty("places").EnumerateArray().Select(place => place.GetProperty("primaryType").GetString()!).Distinct().Order());
    }

    [Theory]
    [InlineData("status 200", "google_places", "text_search", "query=pharmacies in Austin", "max_results=45")]
    [InlineData("status 200", "weatherapi", "current", "q=Austin", "aqi=true")]
    [InlineData("status 200", "weatherapi", "forecast", "lat=30.2672", "lng=-97.7431", "days=14", "alerts=true")]
    [InlineData("status 200", "http_example", "list_items")]
    [InlineData("status 200", "http_example", "get_item", "id=item-007")]
    [InlineData("status 201", "http_example", "create_item", "name=30", "price=12.5")]
    [InlineData("status 200", "http_example", "status")]
    public async Task Call_EachShippedService_Answers(string told, string service, string operation, params string[] parameters)
    {
        await using var upstreams = await SimulatedUpstreams.StartAsync();
        var call = new CliCall();
        upstreams.Give(call);

        Assert.True(await call.RunAsync(["call", service, operation, .. parameters.SelectMany(parameter => new[] { "-p", parameter })]) == 0, call.Error);
        Assert.Contains(told, call.Error);
        Assert.Equal(JsonValueKind.Object, JsonElement.Parse(call.Out).ValueKind);
    }

    [Fact]
    public async Task Call_PlaceOfASearch_IsFoundByItsId()
    {
        await using var upstreams = await SimulatedUpstreams.StartAsync();
        var search = new CliCall();
        var details = new CliCall();
        upstreams.Give(search);
        upstreams.Give(details);

        Assert.True(await search.RunAsync("call", "google_places", "text_search", "-p", "query=library in Denver", "-p", "max_results=60") == 0, search.Error);
        var places = JsonElement.Parse(search.Out).GetProperty("places");
        Assert.Equal(60, places.GetArrayLength());
        Assert.True(await details.RunAsync("call", "google_places", "place_details", "-p", $"place_id={places[42].GetProperty("id").GetString()}") == 0, details.Error);
        Assert.Equal(places[42].GetProperty("formattedAddress").GetString(), JsonElement.Parse(details.Out).GetProperty("formattedAddress").GetString());
    }

    [Theory]
    [InlineData("""{"match":{"path":"/weatherapi"},"error_status":200,"error_code":"2007"}""", "weatherapi", "current", "q=Austin")]
    [InlineData("""{"match":{"path":"/example"},"error_status":200}""", "http_example", "status", null)]
    [InlineData("""{"match":{"path":"/weatherapi"},"error_status":403,"error_code":"2008","fault":"echo_key"}""", "weatherapi", "current", "q=Austin")]
    public async Task Call_ErrorOfTheService_EndsOneWithoutTheKey(string behavior, string service, string operation, string? parameter)
    {
        await using var upstreams = await SimulatedUpstreams.StartAsync();
        await upstreams.BehaveAsync(behavior);
        var call = new CliCall();
        upstreams.Give(call);

        Assert.Equal(1, await call.RunAsync(["call", service, operation, "--json", .. parameter is null ? Array.Empty<string>() : ["-p", parameter]]));
        Assert.Equal(JsonValueKind.Object, JsonElement.Parse(call.Out).GetProperty("error").ValueKind);
        Assert.DoesNotContain(SimulatedUpstreams.Key, call.Out + call.Error);
    }

    [Theory]
    [InlineData("There is no service 'googel_places'. Did you mean 'google_places'?", "call", "googel_places", "nearby_search")]
    [InlineData("Known: google_places, http_example, weatherapi", "call", "nothing_like_it", "nearby_search")]
    [InlineData("has no operation 'nearby'", "call", "google_places", "nearby")]
    [InlineData("--param 'lat' must be NAME=VALUE", "call", "google_places", "nearby_search", "--param", "lat")]
    [InlineData("there is no file 'none.json'", "call", "google_places", "nearby_search", "--params", "none.json")]
    [InlineData("--timeout must be above 0", "call", "google_places", "nearby_search", "--timeout", "0")]
    public async Task Call_WrongUse_EndsTwoAndNamesWhatThereIs(string told, params string[] args)
    {
        var call = new CliCall();

        Assert.Equal(2, await call.RunAsync(args));
        Assert.Contains(told, call.Error);
        Assert.Equal("", call.Out);
    }

    [Fact]
    public async Task Call_UnknownParameter_EndsOneNamingTheKnownOnes()
    {
        await using var upstreams = await SimulatedUpstreams.StartAsync();
        var call = new CliCall();
        upstreams.Give(call);

        Assert.Equal(1, await call.RunAsync([.. Nearby, "--param", "radus=3", "--json"]));
        Assert.Contains("radus", call.Error);
        Assert.Contains("radius", call.Error);
        Assert.Equal("InvalidParameter", JsonElement.Parse(call.Out).GetProperty("error").GetProperty("type").GetString());
    }

    [Fact]
    public async Task Call_WrongKey_EndsOneWithTheServicesWordsAndWithoutTheKey()
    {
        await using var upstreams = await SimulatedUpstreams.StartAsync();
        var call = new CliCall();
        upstreams.Give(call);
        call.Environment["GOOGLE_SERVICES_API_KEY"] = "a-wrong-key-nobody-may-see";

        Assert.Equal(1, await call.RunAsync(Nearby));
        Assert.Contains("API key not valid", call.Error);
        Assert.DoesNotContain("nobody-may-see", call.Error);
        Assert.Equal("", call.Out);
    }

    [Fact]
    public async Task Call_NoKeyInProduction_NamesTheVariable()
    {
        var call = new CliCall();
        call.Environment["ENVIRONMENT"] = "Production";

        Assert.Equal(1, await call.RunAsync([.. Nearby, "--json"]));
        Assert.Contains("GOOGLE_SERVICES_API_KEY", call.Error);
        Assert.Equal("CONFIG_ERROR", JsonElement.Parse(call.Out).GetProperty("error").GetProperty("category").GetString());
    }

    [Fact]
    public async Task Call_NoKeyInDevelopment_IsSimulatedAndSaysSo()
    {
        var call = new CliCall();

        Assert.True(await call.RunAsync([.. Nearby, "--param", "types=hospital"]) == 0, call.Error);
        Assert.StartsWith("Simulated, no key is set: google_places (GOOGLE_SERVICES_API_KEY)", call.Error);
    }

    [Fact]
    public async Task Call_SlowService_TimeoutEndsIt()
    {
        await using var upstreams = await SimulatedUpstreams.StartAsync();
        await upstreams.BehaveAsync("""{"latency_ms":60000}""");
        var call = new CliCall();
        upstreams.Give(call);

        Assert.Equal(1, await call.RunAsync([.. Nearby, "--timeout", "0.3", "--json"]));
        Assert.Equal("UpstreamTimeout", JsonElement.Parse(call.Out).GetProperty("error").GetProperty("type").GetString());
    }

    [Fact]
    public async Task Call_Interrupted_EndsWith130()
    {
        await using var upstreams = await SimulatedUpstreams.StartAsync();
        await upstreams.BehaveAsync("""{"hold":"before_response"}""");
        var call = new CliCall();
        upstreams.Give(call);
        using var interrupt = new CancellationTokenSource();

        var running = call.RunAsync(interrupt.Token, Nearby);
        await upstreams.HeldAsync();
        await interrupt.CancelAsync();

        Assert.Equal(130, await running);
        Assert.Equal("", call.Out);
    }

    [Fact]
    public async Task Call_WithoutAnOperation_ListsWhatThereIs()
    {
        var all = new CliCall();
        Assert.Equal(0, await all.RunAsync("call"));
        Assert.Contains("google_places: ", all.Out);
        Assert.Contains("simulated, GOOGLE_SERVICES_API_KEY or GOOGLE_PLACES_API_KEY not set", all.Out);

        var one = new CliCall();
        one.Environment["GOOGLE_SERVICES_API_KEY"] = SimulatedUpstreams.Key;
        Assert.Equal(0, await one.RunAsync("call", "google_places"));
        Assert.Contains("[key set]", one.Out);
        Assert.Contains("lat (number, required)", one.Out);
        Assert.DoesNotContain(SimulatedUpstreams.Key, one.Out);

        var json = new CliCall();
        Assert.Equal(0, await json.RunAsync("call", "--json"));
        Assert.Contains("nearby_search", JsonElement.Parse(json.Out)[0].GetProperty("operations").EnumerateArray().Select(operation => operation.GetProperty("operation").GetString()));
    }

    [Theory]
    [InlineData("llmflow call ", "google_places")]
    [InlineData("llmflow call google_places ", "nearby_search")]
    public async Task Suggest_AfterCall_GivesServicesAndOperations(string line, string expected)
    {
        var call = new CliCall();

        Assert.Equal(0, await call.RunAsync($"[suggest:{line.Length}]", line));
        Assert.Contains(expected, call.OutLines.Select(text => text.Trim()));
    }
}
