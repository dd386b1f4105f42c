using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.ExternalServices;
using static LlmWorkflow.Tests.Engine.ExternalServices.ServiceFiles;

namespace LlmWorkflow.Tests.Engine.ExternalServices;

public sealed class ServicePagesTests
{
    private const string ByToken = """
        "query": { "token": "${page.next}", "offset": "${page.offset}" }, "pagination": { "items": "response.items", "next": "response.next", "max_pages": 4 }
        """;

    private readonly List<ServiceRequest> _asked = [];

    [Fact]
    public async Task Ask_OnePage_MapsTheReply()
    {
        var outcome = await AskAsync(
            """
            "response": { "c": "${response.t}", "text": "It has ${response.t} degrees", "none": "${response.x}", "status": "${status}", "q": "${params.q}" },
            "parameters": { "properties": { "q": {} } }
            """,
            """{"q":"here"}""", """{"t":21.5}""");

        Assert.Equal("""{"c":21.5,"text":"It has 21.5 degrees","status":200,"q":"here"}""", outcome.Data.GetRawText());
        Assert.Equal(200, outcome.StatusCode);
    }

    [Fact]
    public async Task Ask_NoMapping_GivesTheReply() => Assert.Equal("""{"t":1}""", (await AskAsync("", "{}", """{"t":1}""")).Data.GetRawText());

    [Fact]
    public async Task Ask_MappingThatIsMissing_IsNull() => Assert.Equal(JsonValueKind.Null, (await AskAsync("\"response\": \"${response.x}\"", "{}", "{}")).Data.ValueKind);

    [Fact]
    public async Task Ask_MappingThatCannotBeDone_IsAnError()
    {
        var error = (await AskAsync("\"response\": \"${response.t * 2}\"", "{}", """{"t":"warm"}""")).Error!;

        Assert.Equal((ErrorTypes.InvalidResponse, false), (error.Type, error.Retryable));
        Assert.Contains("'response' of the service's file", error.Message);
    }

    [Fact]
    public async Task Ask_ByToken_GoesOnUntilThereIsNone()
    {
        var outcome = await AskAsync(ByToken, "{}", """{"items":[1,2],"next":"b"}""", """{"items":[3],"next":"c"}""", """{"items":[],"next":""}""");

        Assert.Equal("""{"items":[1,2,3],"pages":3,"complete":true}""", outcome.Data.GetRawText());
        Assert.Equal(["?offset=0", "?token=b&offset=2", "?token=c&offset=3"], _asked.Select(request => request.Url.Query));
    }

    [Fact]
    public async Task Ask_MorePagesThanAllowed_IsIncomplete()
    {
        var outcome = await AskAsync(ByToken, "{}", [.. Enumerable.Range(1, 9).Select(page => $$"""{"items":[{{page}}],"next":{{page}}}""")]);

        Assert.Equal("""{"items":[1,2,3,4],"pages":4,"complete":false}""", outcome.Data.GetRawText());
    }

    [Theory]
    [InlineData(3, "[1,2,3]", 2, false)]
    [InlineData(2, "[1,2]", 1, false)]
    [InlineData(4, "[1,2,3,4]", 2, true)]
    [InlineData(9, "[1,2,3,4]", 2, true)]
    public async Task Ask_MaxItems_EndsIt(int limit, string items, int pages, bool complete)
    {
        var outcome = await AskAsync(
            """
            "query": { "token": "${page.next}" }, "parameters": { "properties": { "limit": {} } },
            "pagination": { "items": "response.items", "next": "response.next", "max_items": "${params.limit}" }
            """,
            $$"""{"limit":{{limit}}}""", """{"items":[1,2],"next":"b"}""", """{"items":[3,4]}""");

        Assert.Equal($$"""{"items":{{items}},"pages":{{pages}},"complete":{{(complete ? "true" : "false")}}}""", outcome.Data.GetRawText());
        Assert.Equal(pages, _asked.Count);
    }

    [Theory]
    [InlineData("\"many\"")]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("null")]
    public async Task Ask_MaxItemsThatIsNoNumber_IsAnErrorBeforeAnyRequest(string limit)
    {
        var error = (await AskAsync(
            """
            "query": { "token": "${page.next}" }, "parameters": { "properties": { "limit": {} } },
            "pagination": { "items": "response.items", "next": "response.next", "max_items": "params.limit" }
            """,
            $$"""{"limit":{{limit}}}""", """{"items":[1,2]}""")).Error!;

        Assert.Equal((ErrorTypes.InvalidParameter, false), (error.Type, error.Retryable));
        Assert.Contains($"gives {limit}, not a number from 1", error.Message);
        Assert.Empty(_asked);
    }

    [Fact]
    public async Task Ask_TokenThatRepeats_IsAnError()
    {
        var error = (await AskAsync(ByToken, "{}", """{"items":[1],"next":"b"}""", """{"items":[2],"next":"b"}""")).Error!;

        Assert.Equal((ErrorTypes.InvalidResponse, false), (error.Type, error.Retryable));
        Assert.Contains("same next page twice", error.Message);
        Assert.Equal(2, _asked.Count);
    }

    [Theory]
    [InlineData("", 3)]
    [InlineData(", \"page_size\": 2", 2)]
    public async Task Ask_ByNumber_EndsAtAnEmptyOrShortPage(string size, int pages)
    {
        var outcome = await AskAsync(
            $$"""{{"\"query\""}}: { "page": "${page.number}" }, "pagination": { "items": "response"{{size}} }, "response": "${items}" """, "{}", "[1,2]", "[3]", "[]");

        Assert.Equal("[1,2,3]", outcome.Data.GetRawText());
        Assert.Equal(Enumerable.Range(1, pages).Select(page => $"?page={page}"), _asked.Select(request => request.Url.Query));
    }

    [Theory]
    [InlineData("https://api.example.com/v1/x?cursor=2&key=theirs", "https://api.example.com/v1/x?cursor=2&key=k3y")]
    [InlineData("/other?a=1%262", "https://api.example.com/other?a=1%262&key=k3y")]
    [InlineData("?cursor=2", "https://api.example.com/v1/x?cursor=2&key=k3y")]
    [InlineData("https://evil.example/v1/x", null)]
    [InlineData("http://api.example.com/v1/x", null)]
    [InlineData("https://api.example.com:8443/v1/x", null)]
    [InlineData("//evil.example/x", null)]
    [InlineData("https://me@api.example.com/v1/x", null)]
    public async Task Ask_NextUrl_StaysAtTheHost(string next, string? url)
    {
        var outcome = await AskServiceAsync(
            """ "pagination": { "items": "response.items", "next_url": "response.next" } """, "{}",
            """ "auth": { "in": "query", "name": "key", "variables": ["MINE_API_KEY"] }, """,
            $$"""{"items":[1],"next":"{{next}}"}""", """{"items":[2]}""");

        Assert.Equal(url is null ? 1 : 2, _asked.Count);
        Assert.Equal(url, _asked.Count == 2 ? _asked[1].Url.AbsoluteUri : null);
        Assert.Equal(url is null ? ErrorTypes.InvalidResponse : null, outcome.Error?.Type);
        Assert.DoesNotContain("k3y", outcome.Error?.Message ?? "");
    }

    [Fact]
    public async Task Ask_ItemsThatAreNoList_IsAnError() =>
        Assert.Contains("gives an object, not a list", (await AskAsync(ByToken, "{}", """{"items":{}}""")).Error!.Message);

    [Fact]
    public async Task Ask_PageThatFails_FailsTheCall()
    {
        var outcome = await AskAsync(ByToken, "{}", """{"items":[1],"next":"b"}""", "fail");

        Assert.Equal((ErrorTypes.UpstreamServerError, 503), (outcome.Error!.Type, outcome.StatusCode));
    }

    [Fact]
    public async Task Ask_TooMuchTogether_IsRefused()
    {
        var page = new string('x', 3 * 1024 * 1024);

        var error = (await AskAsync(ByToken, "{}", [.. Enumerable.Range(1, 4).Select(number => $$"""{"items":["{{page}}"],"next":{{number}}}""")])).Error!;

        Assert.Equal(ErrorTypes.InvalidResponse, error.Type);
        Assert.Equal(3, _asked.Count);
    }

    private Task<ServiceOutcome> AskAsync(string operation, string parameters, params string[] replies) => AskServiceAsync(operation, parameters, "", replies);

    private Task<ServiceOutcome> AskServiceAsync(string operation, string parameters, string service, params string[] replies)
    {
        var answers = new Queue<string>(replies);
        return new ServicePages(Answer).AskAsync(Of(operation, service), "get", Json(parameters), _ => "k3y", null, CancellationToken.None);

        Task<(ServiceReply?, WorkflowError?, int)> Answer(ServiceDefinition definition, string name, ServiceRequest request, DateTimeOffset? deadline, CancellationToken cancellationToken)
        {
            _asked.Add(request);
            var answer = answers.Dequeue();
            return Task.FromResult<(ServiceReply?, WorkflowError?, int)>(
                answer == "fail" ? (null, ServiceErrors.FromStatus(503, null, null), 503) : (new ServiceReply(200, Json(answer), "application/json", null), null, 200));
        }
    }
}
