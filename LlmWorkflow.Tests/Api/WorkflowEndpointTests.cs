using System.Net;
using System.Text.Json;
using LlmWorkflow.Client;
using LlmWorkflow.Client.Contracts;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace LlmWorkflow.Tests.Api;

public sealed class WorkflowEndpointTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    private const string Definition = """
        {"name": "draft_only",
         "steps": [{"id": "draft", "type": "llm", "model": "anthropic/claude-sonnet-4.5", "prompt": "Write to ${input.city}"}]}
        """;

    [Fact]
    public async Task Validate_KnownWorkflowWithInput_GivesThePlan()
    {
        var before = await api.CountJobsAsync();

        var answer = await api.Client.ValidateAsync(new() { WorkflowName = "emergency_contacts", InputData = JsonElement.Parse(ApiFixture.Input) });

        Assert.True(answer.Valid);
        Assert.Empty(answer.InputIssues);
        var workflow = api.App.Services.GetRequiredService<WorkflowCatalog>().Find("emergency_contacts")!;
        Assert.Equal(workflow.Definition.Steps.Select(step => step.Id), answer.Plan!.Steps.Select(step => step.Path));
        Assert.Equal(workflow.Hash, answer.Plan.Hash);
        var call = Assert.Single(answer.Plan.Steps, step => step.Llm is not null).Llm!;
        Assert.Contains(call.Messages, message => message.Content.Contains("Austin", StringComparison.Ordinal));
        Assert.Contains(call.Messages, message => !message.Complete && message.Content.Contains("⟨steps.", StringComparison.Ordinal));
        Assert.True(answer.Plan.Cost.Lowest > 0 && answer.Plan.Cost.Lowest < answer.Plan.Cost.Expected && answer.Plan.Cost.Expected < answer.Plan.Cost.Highest);
        Assert.Equal(before, await api.CountJobsAsync());
    }

    [Fact]
    public async Task Validate_InputThatBreaksTheSchema_IsTwoHundredWithPointers()
    {
        var answer = await api.Client.ValidateAsync(new() { WorkflowName = "emergency_contacts", InputData = JsonElement.Parse("""{"city": 5}""") });

        Assert.False(answer.Valid);
        Assert.Contains(answer.InputIssues, issue => issue.Pointer == "/city");
        Assert.NotNull(answer.Plan);
    }

    [Fact]
    public async Task Validate_Definition_IsPlannedAndNotKept()
    {
        var answer = await api.Client.ValidateAsync(new() { Definition = JsonElement.Parse(Definition), InputData = JsonElement.Parse("""{"city": "Austin"}""") });

        Assert.True(answer.Valid);
        Assert.Equal("Write to Austin", answer.Plan!.Steps[0].Llm!.Messages[0].Content);
        Assert.DoesNotContain("draft_only", (await api.Client.GetWorkflowsAsync()).Workflows.Select(workflow => workflow.Name));
    }

    [Fact]
    public async Task Schema_IsTheSameAsTheFile()
    {
        var (response, schema) = await api.SendAsync(HttpMethod.Get, "api/v1/workflows/schema", null, ("X-API-Key", "dev-key"));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse(File.ReadAllText(Path.Combine(Repository.Root, "workflows", "workflow.schema.json"))), schema));
    }

    [Fact]
    public async Task Validate_BrokenDefinition_ListsItsIssues()
    {
        var broken = JsonElement.Parse(Definition.Replace("\"prompt\": \"Write to ${input.city}\"", "\"prompt_template\": \"no/such.md\", \"modle\": 1", StringComparison.Ordinal));

        var (response, body) = await SendAsync($$"""{"definition": {{broken.GetRawText()}}}""");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.False(body.GetProperty("valid").GetBoolean());
        Assert.Equal(JsonValueKind.Null, body.GetProperty("plan").ValueKind);
        var issues = body.GetProperty("issues").EnumerateArray().ToDictionary(issue => issue.GetProperty("code").GetString()!);
        Assert.Equal("/steps/0/prompt_template", issues["MISSING_PROMPT"].GetProperty("pointer").GetString());
        Assert.Equal("error", issues["UNKNOWN_PROPERTY"].GetProperty("severity").GetString());
        Assert.Equal(2, issues["UNKNOWN_PROPERTY"].GetProperty("line").GetInt32());
    }

    [Theory]
    [InlineData("""{"workflow_name": "emergency_contact"}""", HttpStatusCode.NotFound, "UnknownWorkflow", "Did you mean 'emergency_contacts'?")]
    [InlineData("""{"workflow_name": """, HttpStatusCode.BadRequest, "InvalidRequest", "line 1, column")]
    [InlineData("[]", HttpStatusCode.BadRequest, "InvalidRequest", "the body must be an object, not an array")]
    [InlineData("{}", HttpStatusCode.BadRequest, "InvalidRequest", "the body needs 'workflow_name' or 'definition'")]
    [InlineData("""{"workflow_name": "a", "definition": {}}""", HttpStatusCode.BadRequest, "InvalidRequest", "not both")]
    [InlineData("""{"definition": "text"}""", HttpStatusCode.BadRequest, "InvalidRequest", "/definition must be an object, not a string")]
    [InlineData("""{"workflow_name": "emergency_contacts", "input": {}}""", HttpStatusCode.BadRequest, "InvalidRequest", "/input is not a field; did you mean 'input_data'?")]
    [InlineData("""{"workflow_name": "emergency_contacts", "input_data": {"city": "\u0000"}}""", HttpStatusCode.BadRequest, "InvalidRequest", "/input_data/city")]
    [InlineData("""{"workflow_name": "emergency_contacts", "input_data": {"city": "\ud800"}}""", HttpStatusCode.BadRequest, "InvalidRequest", "surrogate")]
    public async Task Validate_BadBody_IsAProblem(string body, HttpStatusCode status, string type, string detail)
    {
        var (response, problem) = await SendAsync(body);

        Assert.Equal(status, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal(type, problem.GetProperty("error").GetProperty("type").GetString());
        Assert.Contains(detail, problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Validate_BodyOverTheLimit_IsTooLarge()
    {
        var (response, _) = await SendAsync($$"""{"workflow_name": "{{new string('x', 1024 * 1024)}}"}""");

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
    }

    [Fact]
    public async Task Workflows_List_HasNameVersionAndCounts()
    {
        var workflow = Assert.Single((await api.Client.GetWorkflowsAsync()).Workflows, workflow => workflow.Name == "emergency_contacts");

        var definition = api.App.Services.GetRequiredService<WorkflowCatalog>().Find("emergency_contacts")!.Definition;
        Assert.Equal((definition.Version, definition.DisplayName, definition.Steps.Count), (workflow.Version, workflow.DisplayName, workflow.StepCount));
        Assert.Null(workflow.Problem);
    }

    [Fact]
    public async Task Workflow_Known_IsItsFileWithHash()
    {
        var workflow = await api.Client.GetWorkflowAsync("emergency_contacts");

        var file = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "workflows/definitions/emergency_contacts.json"));
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse(file), workflow.Definition));
        Assert.Matches("^[0-9a-f]{64}$", workflow.Hash);
        Assert.Equal("object", workflow.InputSchema!.Value.GetProperty("type").GetString());
    }

    [Fact]
    public async Task Diagram_Known_IsMermaidAsText()
    {
        using var message = new HttpRequestMessage(HttpMethod.Get, "api/v1/workflows/emergency_contacts/diagram");
        message.Headers.Add("X-API-Key", "dev-key");
        using var response = await api.Http.SendAsync(message);

        Assert.Equal("text/plain; charset=utf-8", response.Content.Headers.ContentType?.ToString());
        Assert.StartsWith("flowchart TD\n", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(await response.Content.ReadAsStringAsync(), await api.Client.GetDiagramAsync("emergency_contacts"));
    }

    [Theory]
    [InlineData("api/v1/workflows/emergency_contact")]
    [InlineData("api/v1/workflows/emergency_contact/diagram")]
    public async Task Workflow_Unknown_IsNotFoundWithTheNearestName(string path)
    {
        var (response, problem) = await api.SendAsync(HttpMethod.Get, path, null, ("X-API-Key", "dev-key"));

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Contains("'emergency_contacts'", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET", "api/v1/workflows")]
    [InlineData("GET", "api/v1/workflows/emergency_contacts")]
    [InlineData("GET", "api/v1/workflows/emergency_contacts/diagram")]
    [InlineData("POST", "api/v1/workflow/validate")]
    public async Task EveryCall_WithoutKey_IsRefused(string method, string path)
    {
        var (response, _) = await api.SendAsync(new HttpMethod(method), path);

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
    }

    [Fact]
    public async Task BrokenFile_NeverGood_IsListedAndNotFoundWithTheReason()
    {
        var folder = Directory.CreateTempSubdirectory("llmworkflow-");
        try
        {
            Directory.CreateDirectory(Path.Combine(folder.FullName, "definitions"));
            await File.WriteAllTextAsync(Path.Combine(folder.FullName, "definitions/sick.json"), """{"name": "sick", "steps": []}""");
            await using var app = await ApiFixture.StartAsync(
                ("ConnectionStrings:llmworkflow", api.Engine.ConnectionString), ("ConnectionStrings:redis", await TestServers.GetRedisConnectionAsync()),
                ("REDIS_PREFIX", api.Engine.Options.RedisPrefix), ("WORKFLOWS_DIR", folder.FullName));
            using var http = ApiFixture.NewHttp(app);
            var client = new WorkflowClient(http, "dev-key");

            var listed = Assert.Single((await client.GetWorkflowsAsync()).Workflows);
            var error = await Assert.ThrowsAsync<WorkflowApiException>(() => client.GetWorkflowAsync("sick"));

            Assert.Equal(("sick", null, 1), (listed.Name, listed.Version, listed.IssueCount));
            Assert.Contains("definitions/sick.json, line 1, column", listed.Problem, StringComparison.Ordinal);
            Assert.Equal(HttpStatusCode.NotFound, error.Status);
            Assert.Contains("is broken: definitions/sick.json", error.Message, StringComparison.Ordinal);
        }
        finally
        {
            folder.Delete(true);
        }
    }

    [Fact]
    public async Task OpenApi_Document_DescribesTheCalls()
    {
        var document = JsonElement.Parse(await api.Http.GetStringAsync(new Uri("openapi/v1.json", UriKind.Relative)));

        var paths = document.GetProperty("paths");
        foreach (var path in new[] { "/api/v1/workflow/validate", "/api/v1/workflows", "/api/v1/workflows/{name}", "/api/v1/workflows/{name}/diagram" })
        {
            var operation = Assert.Single(paths.GetProperty(path).EnumerateObject()).Value;
            Assert.NotEmpty(operation.GetProperty("summary").GetString()!);
            Assert.Equal("Workflows", operation.GetProperty("tags")[0].GetString());
            Assert.True(operation.GetProperty("responses").TryGetProperty("401", out _));
        }

        var schemas = document.GetProperty("components").GetProperty("schemas");
        Assert.Equal("#/components/schemas/ValidateResponse", paths.GetProperty("/api/v1/workflow/validate").GetProperty("post").GetProperty("responses")
            .GetProperty("200").GetProperty("content").GetProperty("application/json").GetProperty("schema").GetProperty("$ref").GetString());
        Assert.Equal("string", paths.GetProperty("/api/v1/workflows/{name}/diagram").GetProperty("get").GetProperty("responses")
            .GetProperty("200").GetProperty("content").GetProperty("text/plain").GetProperty("schema").GetProperty("type").GetString());
        // Plans nest: each reference must lead somewhere.
        Assert.All(References(document), reference => Assert.True(schemas.TryGetProperty(reference, out _), reference));
        Assert.Contains("PlanStep", References(schemas.GetProperty("PlanBranch")));
    }

    private static IEnumerable<string> References(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => value.EnumerateObject().SelectMany(property =>
            property.Name == "$ref" && property.Value.ValueKind is JsonValueKind.String && property.Value.GetString()!.StartsWith("#/components/schemas/", StringComparison.Ordinal)
                ? [property.Value.GetString()!["#/components/schemas/".Length..]]
                : References(property.Value)),
        JsonValueKind.Array => value.EnumerateArray().SelectMany(References),
        _ => [],
    };

    private Task<(HttpResponseMessage Response, JsonElement Body)> SendAsync(string body) =>
        api.SendAsync(HttpMethod.Post, "api/v1/workflow/validate", body, ("X-API-Key", "dev-key"));
}
