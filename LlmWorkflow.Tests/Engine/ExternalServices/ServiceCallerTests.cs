using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using LlmWorkflow.Engine;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.ExternalServices;
using LlmWorkflow.Engine.ExternalServices.Pacing;
using LlmWorkflow.Tests.Support;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace LlmWorkflow.Tests.Engine.ExternalServices;

public sealed class ServiceCallerTests : IDisposable
{
    private const string Key = "AIzaSyTESTtestTESTtest0123456789abcdef";

    private static readonly Dictionary<string, JsonElement> Berlin = new() { ["lat"] = Json("52.5"), ["lng"] = Json("13.4") };

    private readonly DirectoryInfo _workflows = Directory.CreateTempSubdirectory("llmwf-services-");
    private readonly Dictionary<string, string> _variables = new(StringComparer.Ordinal) { ["GOOGLE_PLACES_API_KEY"] = Key };
    private ServiceProvider? _services;

    public ServiceCallerTests()
    {
        Directory.CreateDirectory(Path.Combine(_workflows.FullName, "services"));
        var shipped = JsonNode.Parse(File.ReadAllText(Path.Combine(Repository.Root, "workflows", "services", "google_places.json")))!;
        // Once: what is repeated is the exchange's.
        shipped["retry"] = new JsonObject { ["max_attempts"] = 1 };
        File.WriteAllText(FilePath("google_places"), shipped.ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
    }

    public void Dispose()
    {
        _services?.Dispose();
        _workflows.Delete(recursive: true);
    }

    [Fact]
    public async Task Call_NearbySearch_SendsTheFilledTemplate()
    {
        await using var upstream = await PlacesAsync(FakeUpstream.Json("""{"places":[{"id":"a"}]}"""), prefix: "/google/");

        var outcome = await CallAsync(new(Berlin) { ["type"] = Json("\"hospital\""), ["max_results"] = Json("\"5\"") });

        Assert.Null(outcome.Error);
        Assert.Equal((200, false), (outcome.StatusCode, outcome.Cached));
        Assert.Equal("""{"places":[{"id":"a"}]}""", outcome.Data.GetRawText());
        var request = Assert.Single(upstream.Received);
        Assert.Equal(("POST", "/google/v1/places:searchNearby", ""), (request.Method, request.Path, request.Query));
        Assert.Equal(
            """{"includedTypes":["hospital"],"maxResultCount":5,"locationRestriction":{"circle":{"center":{"latitude":52.5,"longitude":13.4},"radius":5000}}}""",
            request.Body);
        Assert.Equal(Key, request.Headers["X-Goog-Api-Key"]);
        Assert.Contains("places.displayName", request.Headers["X-Goog-FieldMask"]);
    }

    [Fact]
    public async Task Call_NearbySearchWithoutType_LeavesTheFieldOut()
    {
        await using var upstream = await PlacesAsync(FakeUpstream.Json("{}"));

        var outcome = await CallAsync(Berlin);

        Assert.Equal("""{"places":[]}""", outcome.Data.GetRawText());
        Assert.DoesNotContain("includedTypes", Assert.Single(upstream.Received).Body);
    }

    [Fact]
    public async Task Call_NearbySearchWithKeyword_SearchesByText()
    {
        await using var upstream = await PlacesAsync(FakeUpstream.Json("{}"));

        await CallAsync(new(Berlin) { ["types"] = Json("""["pharmacy","hospital"]"""), ["keyword"] = Json("\"24h ${params.lat}\"") });

        var request = Assert.Single(upstream.Received);
        Assert.Equal("/v1/places:searchText", request.Path);
        Assert.Equal(
            """{"textQuery":"24h ${params.lat}","includedType":"pharmacy","pageSize":20,"locationBias":{"circle":{"center":{"latitude":52.5,"longitude":13.4},"radius":5000}}}""",
            request.Body);
    }

    [Fact]
    public async Task Call_FirstKeyVariable_Wins()
    {
        await using var upstream = await PlacesAsync(FakeUpstream.Json("{}"));
        _variables["GOOGLE_SERVICES_API_KEY"] = "first";

        await CallAsync(Berlin);

        Assert.Equal("first", Assert.Single(upstream.Received).Headers["X-Goog-Api-Key"]);
    }

    [Fact]
    public async Task Call_MissingKey_NamesTheVariablesAndAsksNobody()
    {
        await using var upstream = await PlacesAsync(FakeUpstream.Json("{}"));
        _variables.Remove("GOOGLE_PLACES_API_KEY");

        var error = (await CallAsync(Berlin)).Error!;

        Assert.Equal((ErrorTypes.MissingSetting, ErrorCategory.Config, false), (error.Type, error.Category, error.Retryable));
        Assert.Contains("GOOGLE_SERVICES_API_KEY or GOOGLE_PLACES_API_KEY", error.Message);
        Assert.Empty(upstream.Received);
    }

    [Fact]
    public async Task Call_WrongParameters_AreNamedAllAtOnceBeforeAnyRequest()
    {
        await using var upstream = await PlacesAsync(FakeUpstream.Json("{}"));

        var error = (await CallAsync(new() { ["lat"] = Json("91"), ["max_results"] = Json("2.5"), ["colour"] = Json("1"), ["keyword"] = Json("null") })).Error!;

        Assert.Equal((ErrorTypes.InvalidParameter, ErrorCategory.Config), (error.Type, error.Category));
        Assert.Contains("'colour' is unknown", error.Message);
        Assert.Contains("'lat' must be a number from -90 to 90, but is 91", error.Message);
        Assert.Contains("'lng' is required", error.Message);
        Assert.Contains("'max_results' must be an integer from 1 to 20, but is 2.5", error.Message);
        Assert.DoesNotContain("keyword", error.Message.Replace("known are lat, lng, radius, types, keyword, max_results", ""));
        Assert.Empty(upstream.Received);
    }

    [Theory]
    [InlineData(400, "application/json", """{"error":{"message":"Invalid field"}}""", ErrorTypes.UpstreamBadRequest, false)]
    [InlineData(403, "application/json", """{"error":{"message":"API key not valid"}}""", ErrorTypes.AuthenticationFailed, false)]
    [InlineData(429, "application/json", "{}", ErrorTypes.RateLimited, true)]
    [InlineData(500, "text/html", "<html>", ErrorTypes.UpstreamServerError, true)]
    [InlineData(504, "text/plain", "", ErrorTypes.UpstreamTimeout, true)]
    [InlineData(307, "text/plain", "", ErrorTypes.UpstreamBadRequest, false)]
    [InlineData(200, "text/html", "<html>", ErrorTypes.InvalidResponse, false)]
    [InlineData(200, "application/json", "{\"places\":", ErrorTypes.InvalidResponse, true)]
    public async Task Call_FailedReply_IsTypedError(int status, string contentType, string body, string type, bool retryable)
    {
        await using var upstream = await PlacesAsync(FakeUpstream.Json(body, status, contentType, ("Retry-After", "3"), ("Location", "https://elsewhere.example/")));

        var outcome = await CallAsync(Berlin);

        Assert.Equal((type, retryable), (outcome.Error!.Type, outcome.Error.Retryable));
        Assert.Equal(status, outcome.StatusCode);
        Assert.Equal(("google_places", "nearby_search"), (outcome.Error.Details!.Service, outcome.Error.Details.Operation));
        Assert.Equal(52.5, outcome.Error.Details.Inputs!.Value.GetProperty("lat").GetDouble());
        Assert.Equal(status == 429 ? 3 : outcome.Error.RetryAfter, outcome.Error.RetryAfter);
        Assert.Single(upstream.Received);
    }

    [Fact]
    public async Task Call_ErrorThatRepeatsTheKey_ShowsNoKey()
    {
        _variables["GOOGLE_PLACES_API_KEY"] = "plain-word";
        await using var upstream = await PlacesAsync(FakeUpstream.Json("""{"error":{"message":"no access for plain-word here"}}""", 403));

        var error = (await CallAsync(Berlin)).Error!;

        Assert.Contains("no access for [REDACTED] here", error.Message);
        Assert.DoesNotContain("plain-word", JsonSerializer.Serialize(error));
    }

    [Fact]
    public async Task Call_ReplyOverTheLimit_IsRefused()
    {
        await using var upstream = await PlacesAsync(FakeUpstream.Json($"\"{new string('x', 2 * 1024 * 1024)}\""));

        var error = (await CallAsync(Berlin)).Error!;

        Assert.Equal((ErrorTypes.InvalidResponse, false), (error.Type, error.Retryable));
        Assert.Contains("2 MiB", error.Message);
    }

    [Theory]
    [InlineData(128, null)]
    [InlineData(129, "nested deeper than 128 levels")]
    public async Task Call_DeepReply_IsTakenOrRefusedForGood(int depth, string? problem)
    {
        await using var upstream = await PlacesAsync(FakeUpstream.Json(string.Concat(Enumerable.Repeat("[", depth)) + string.Concat(Enumerable.Repeat("]", depth))));
        Edit("google_places", "\"response\":", "\"success\": \"true\", \"response\":");
        Edit("google_places", "${response.places ?? []}", "${response}");

        var outcome = await CallAsync(Berlin);

        Assert.Equal(problem is null, outcome.Error is null);
        Assert.Contains(problem ?? "", outcome.Error?.Message ?? "");
        Assert.NotEqual(true, outcome.Error?.Retryable);
    }

    [Fact]
    public async Task Call_SilentService_TimesOut()
    {
        await using var upstream = await PlacesAsync(FakeUpstream.HangAsync);
        Edit("google_places", "\"timeout_seconds\": 15", "\"timeout_seconds\": 0.2");

        Assert.Equal((ErrorTypes.UpstreamTimeout, true), ((await CallAsync(Berlin)).Error is var error ? error!.Type : "", error!.Retryable));
    }

    [Fact]
    public async Task Call_Cancelled_ThrowsAndCloses()
    {
        using var cancel = new CancellationTokenSource();
        var received = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var upstream = await PlacesAsync(context =>
        {
            received.TrySetResult();
            return FakeUpstream.HangAsync(context);
        });
        Edit("google_places", "\"timeout_seconds\": 15", "\"timeout_seconds\": 600");
        var call = CallAsync(Berlin, cancellationToken: cancel.Token);
        await received.Task.WaitAsync(TimeSpan.FromSeconds(60));

        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        await upstream.Aborted.WaitAsync(TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task Call_NothingListens_IsNetworkError()
    {
        _variables["GOOGLE_PLACES_BASE_URL"] = "http://127.0.0.1:1";

        Assert.Equal((ErrorTypes.NetworkError, true), ((await CallAsync(Berlin)).Error is var error ? error!.Type : "", error!.Retryable));
    }

    [Fact]
    public async Task Call_PrivateBaseUrlInTheFile_IsNotReached()
    {
        await using var upstream = await FakeUpstream.StartAsync(FakeUpstream.Json("{}"));
        Edit("google_places", "https://places.googleapis.com", upstream.Url.ToString());

        Assert.Equal(ErrorTypes.InvalidServiceFile, (await CallAsync(Berlin)).Error!.Type);
        Assert.Empty(upstream.Received);
    }

    [Fact]
    public async Task Call_ServiceWithQueryKeyMappingAndSuccess_FollowsItsFile()
    {
        File.WriteAllText(FilePath("weather"), """
            {
              "name": "weather", "base_url": "https://weather.example", "base_url_variable": "WEATHER_BASE_URL",
              "auth": { "in": "query", "name": "key", "variables": ["WEATHER_API_KEY"] },
              "operations": {
                "current": {
                  "path": "/v1/${params.kind}/current.json", "query": { "q": "${params.lat},${params.lng}", "lang": "${params.lang}" },
                  "parameters": {
                    "properties": { "kind": { "type": "string" }, "lat": { "type": "number" }, "lng": { "type": "number" }, "lang": { "type": "string" } }, "required": ["kind"]
                  },
                  "cache_ttl_seconds": 0, "success": "response.status == 'OK'", "error_message": "response.message",
                  "response": { "celsius": "${response.current.temp_c}", "text": "It has ${response.current.temp_c} degrees", "none": "${response.nothing}" }
                }
              }
            }
            """);
        await using var upstream = await FakeUpstream.StartAsync(
            FakeUpstream.Json("""{"status":"OK","current":{"temp_c":21.5,"text":"a\u0000b"}}"""),
            FakeUpstream.Json("""{"status":"REQUEST_DENIED","message":"key k3y is wrong"}"""));
        (_variables["WEATHER_BASE_URL"], _variables["WEATHER_API_KEY"]) = (upstream.Url.ToString(), "k3y");
        var parameters = new Dictionary<string, JsonElement>(Berlin) { ["kind"] = Json("\"a/../b c\"") };

        var good = await CallAsync(parameters, "weather", "current");
        var bad = await CallAsync(parameters, "weather", "current");

        Assert.Equal("""{"celsius":21.5,"text":"It has 21.5 degrees"}""", good.Data.GetRawText());
        Assert.True(upstream.Received.TryPeek(out var request));
        Assert.Equal("?q=52.5%2C13.4&key=k3y", request.Query);
        Assert.Equal("/v1/a%2F..%2Fb c/current.json", request.Path);
        Assert.Equal(ErrorTypes.UpstreamBadRequest, bad.Error!.Type);
        Assert.Contains("reports a failure (status 200). It said: key [REDACTED] is wrong", bad.Error.Message);
    }

    [Theory]
    [InlineData("nobody", "x", ErrorTypes.UnknownService)]
    [InlineData("../definitions/x", "x", ErrorTypes.UnknownService)]
    [InlineData("google_places", "nearby_serch", ErrorTypes.UnknownService)]
    [InlineData("broken", "x", ErrorTypes.InvalidServiceFile)]
    public async Task Call_UnknownOrBrokenService_IsConfigError(string service, string operation, string type)
    {
        File.WriteAllText(FilePath("broken"), """{"name":"broken","base_url":"https://a.example","operatoins":{}}""");

        var error = (await CallAsync(Berlin, service, operation)).Error!;

        Assert.Equal((type, ErrorCategory.Config), (error.Type, error.Category));
        Assert.True(operation == "x" || error.Message.Contains("nearby_search", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Call_KeyInQuery_ReachesNoSpan()
    {
        var spans = new System.Collections.Concurrent.ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = _ => true,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        File.WriteAllText(FilePath("q"), """
            {"name":"q","base_url":"https://q.example","base_url_variable":"Q_BASE_URL","auth":{"in":"query","name":"key","variables":["Q_API_KEY"]},"operations":{"get":{"path":"/x"}}}
            """);
        await using var upstream = await FakeUpstream.StartAsync(FakeUpstream.Json("{}", 429));
        (_variables["Q_BASE_URL"], _variables["Q_API_KEY"]) = (upstream.Url.ToString(), "verysecretvalue");

        await CallAsync([], "q", "get");

        var own = Assert.Single(spans, span => span.Source.Name == EngineTelemetry.Name && span.DisplayName == "q.get");
        Assert.Equal(ErrorTypes.RateLimited, own.GetTagItem("error.type"));
        Assert.Equal(429, own.GetTagItem("http.response.status_code"));
        Assert.DoesNotContain(
            spans.Where(span => span.Source.Name is EngineTelemetry.Name or "System.Net.Http").SelectMany(span => span.TagObjects),
            tag => tag.Value?.ToString()?.Contains("verysecretvalue", StringComparison.Ordinal) == true);
    }

    private static JsonElement Json(string json) => JsonElement.Parse(json);

    private string FilePath(string service) => Path.Combine(_workflows.FullName, "services", service + ".json");

    private void Edit(string service, string from, string to)
    {
        var text = File.ReadAllText(FilePath(service));
        Assert.Contains(from, text);
        File.WriteAllText(FilePath(service), text.Replace(from, to));
    }

    private async Task<FakeUpstream> PlacesAsync(Func<HttpContext, Task> script, string prefix = "")
    {
        var upstream = await FakeUpstream.StartAsync(script);
        _variables["GOOGLE_PLACES_BASE_URL"] = new Uri(upstream.Url, prefix).ToString();
        return upstream;
    }

    private Task<ServiceOutcome> CallAsync(
        Dictionary<string, JsonElement> parameters, string service = "google_places", string operation = "nearby_search",
        CancellationToken cancellationToken = default)
    {
        _services ??= new ServiceCollection()
            .AddSingleton(new EngineOptions { WorkflowsDirectory = _workflows.FullName, Variable = name => _variables.GetValueOrDefault(name) })
            .AddSingleton(TimeProvider.System)
            .AddSingleton(new Random(1))
            .AddLogging()
            .AddExternalServices()
            .AddLocalPacing()
            .BuildServiceProvider();
        return _services.GetRequiredService<ServiceCaller>().CallAsync(
            new ServiceCall { Service = service, Operation = operation, Parameters = parameters }, cancellationToken);
    }
}
