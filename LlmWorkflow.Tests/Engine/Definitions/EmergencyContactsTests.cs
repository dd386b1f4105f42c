using System.Text.Json;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Expressions;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Prompts;
using LlmWorkflow.Engine.Steps;
using LlmWorkflow.Tests.Engine.Transforms;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmWorkflow.Tests.Engine.Definitions;

public sealed class EmergencyContactsTests
{
    private const string Nested = """{"formData": {"city": "Austin", "state": "TX", "lat": 30.2, "lng": -97.7, "scenarios": ["flood"], "family_size": 4}}""";

    private static readonly PinnedWorkflow s_workflow = Load();

    [Fact]
    public void Catalog_ShippedFiles_HaveNoErrorsOrWarnings()
    {
        using WorkflowCatalog catalog = new(ShippedWorkflows.Directory, null, TimeProvider.System, NullLogger<WorkflowCatalog>.Instance);

        Assert.Empty(catalog.Problems);
        Assert.DoesNotContain(catalog.Names.SelectMany(catalog.Issues), issue => issue.Severity != IssueSeverity.Info);
        Assert.Equal(["emergency_contacts/system.md", "emergency_contacts/user.md", "shared/tone.md"], s_workflow.Prompts.Keys);
    }

    [Fact]
    public void InputSchema_SampleAndNestedInput_Fit()
    {
        Assert.Empty(InputSchema.Validate(s_workflow.Definition, Sample()));
        Assert.Empty(InputSchema.Validate(s_workflow.Definition, JsonElement.Parse(Nested)));
    }

    [Theory]
    [InlineData("""{"city": 5, "state": "TX", "lat": 1, "lng": 2}""", "/city", "must be a string")]
    [InlineData("""{"city": "A", "state": "TX", "lat": 91, "lng": 2}""", "/lat", "must be at most 90")]
    [InlineData("""{"city": "A", "state": "TX", "lat": 1, "lng": 2, "scenarios": ["a", 3]}""", "/scenarios/1", "must be a string")]
    [InlineData("{}", "", "/city is required")]
    [InlineData("""{"formData": {"city": "A"}}""", "", "/formData/lat is required")]
    [InlineData("[]", "", "must be an object")]
    public void InputSchema_WrongInput_NamesPointerAndReason(string input, string at, string message) => Assert.Contains(
        InputSchema.Validate(s_workflow.Definition, JsonElement.Parse(input)),
        issue => issue.Pointer == at && issue.Message.Contains(message, StringComparison.Ordinal));

    [Theory]
    [InlineData("""{"places": [{"displayName": {"text": "Dell Hospital"}, "nationalPhoneNumber": "555-1", "types": ["hospital"], "location": {"latitude": 1.5, "longitude": 2}}]}""", """[{"name":"Dell Hospital","address":null,"phone":"555-1","types":["hospital"],"rating":null,"lat":1.5,"lng":2}]""")]
    [InlineData("{}", "[]")]
    public async Task Steps_PlacesReply_BecomesPromptAndResult(string reply, string places)
    {
        Dictionary<string, StepValue> steps = new() { ["search_nearby"] = Finished($$"""{"data": {{reply}}, "status_code": 200}""") };
        foreach (JsonElement input in (JsonElement[])[Sample(), JsonElement.Parse(Nested)])
        {
            ExpressionScope scope = Scope(input, steps);
            ExternalApiStepDefinition search = (ExternalApiStepDefinition)s_workflow.Definition.Steps[0];
            JsonElement radius = TemplateResolver.Resolve(search.Config, scope)["radius"];
            Assert.Equal(15000, radius.GetInt32());

            steps["extract_places"] = new StepValue { Status = "completed", Output = await RunTransform(1, scope) };
            TestTransform.AssertJson(places, steps["extract_places"].Output);

            LlmStepDefinition llm = (LlmStepDefinition)s_workflow.Definition.Steps[2];
            IReadOnlyDictionary<string, JsonElement> variables = TemplateResolver.Resolve(llm.Variables, scope);
            string user = PromptRenderer.RenderFile(llm.PromptTemplate!, s_workflow.Prompts, variables, scope);
            string system = PromptRenderer.RenderFile(llm.SystemPromptTemplate!, s_workflow.Prompts, variables, scope);
            Assert.Contains("Austin, TX", user, StringComparison.Ordinal);
            Assert.Contains("- flood", user, StringComparison.Ordinal);
            Assert.Contains(places == "[]" ? "- none were found" : "- Dell Hospital, phone 555-1 (hospital)", user, StringComparison.Ordinal);
            Assert.Contains("Never invent a phone number", system, StringComparison.Ordinal);

            steps["analyze_contacts"] = Finished(JsonSerializer.Serialize(new
            {
                content = "## Emergency Contacts\n\n- **Name:** Dell Hospital\n  **Phone:** 555-1\n\n## Meeting Locations\n\n- **Name:** Zilker Park\n  **Type:** primary\n",
            }));
            steps["parse_contacts"] = new StepValue { Status = "completed", Output = await RunTransform(3, scope) };

            JsonElement output = TemplateResolver.Resolve(s_workflow.Definition.Output, scope);
            TestTransform.AssertJson("""[{"name":"Dell Hospital","phone":"555-1"}]""", output.GetProperty("contacts"));
            TestTransform.AssertJson("""[{"name":"Zilker Park","type":"primary"}]""", output.GetProperty("meetingLocations"));
            TestTransform.AssertJson(output.GetProperty("meeting_locations").GetRawText(), output.GetProperty("meetingLocations"));
        }
    }

    [Fact]
    public async Task TransformStep_WrongInput_IsFailureWithStepId()
    {
        ExpressionScope scope = Scope(Sample(), new Dictionary<string, StepValue> { ["search_nearby"] = Finished("""{"data": {"places": "oops"}}"""), ["analyze_contacts"] = Finished("""{"content": 5}""") });

        StepResult result = await new TransformStep().ExecuteAsync(Context(3, scope), CancellationToken.None);

        Assert.True(result.IsFailed);
        Assert.Equal("parse_contacts", result.Error!.StepId);
    }

    private static async Task<JsonElement> RunTransform(int index, ExpressionScope scope)
    {
        StepResult result = await new TransformStep().ExecuteAsync(Context(index, scope), CancellationToken.None);
        Assert.Null(result.Error);
        return result.Output;
    }

    private static StepContext Context(int index, ExpressionScope scope) => new()
    {
        Job = new JobIdentity { JobId = Guid.CreateVersion7(), WorkflowName = "emergency_contacts", DefinitionHash = s_workflow.Hash },
        Fence = default,
        Step = s_workflow.Definition.Steps[index],
        Workflow = s_workflow,
        StepPath = s_workflow.Definition.Steps[index].Id,
        Attempt = 1,
        Scope = scope,
        PreviousOutput = default,
        EarlierCalls = [],
        OnDelta = static _ => { },
    };

    private static ExpressionScope Scope(JsonElement input, Dictionary<string, StepValue> steps) =>
        new() { Input = input, Context = s_workflow.Definition.Variables, Steps = steps };

    private static StepValue Finished(string output) => new() { Status = "completed", Output = JsonElement.Parse(output) };

    private static JsonElement Sample() => JsonElement.Parse(File.ReadAllText(Path.Combine(ShippedWorkflows.Directory, "samples", "emergency_contacts.json")));

    private static PinnedWorkflow Load()
    {
        using WorkflowCatalog catalog = new(ShippedWorkflows.Directory, null, TimeProvider.System, NullLogger<WorkflowCatalog>.Instance);
        return catalog.Find("emergency_contacts") ?? throw new InvalidOperationException(catalog.Problems[0].Issues[0].Message);
    }
}
