using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using LlmWorkflow.Engine;
using LlmWorkflow.Engine.ExternalServices;

namespace LlmWorkflow.Tests.Engine.Definitions;

/// <summary>Steps of definitions against the shipped services.</summary>
public sealed class ServiceRulesTests
{
    private static readonly Lazy<WorkflowCatalog> s_catalog = new(() => new WorkflowCatalog(
        ShippedWorkflows.Directory,
        () => KnownServices.Of(new ServiceCatalog(new EngineOptions { WorkflowsDirectory = ShippedWorkflows.Directory })),
        TimeProvider.System,
        NullLogger<WorkflowCatalog>.Instance));

    [Theory]
    [InlineData("weatherapi", "current", """{ "q": "Reno" }""")]
    [InlineData("weatherapi", "current", """{ "lat": "${input.lat}", "lon": 2 }""")]
    [InlineData("weatherapi", "forecast", """{ "location": "Reno", "days": "5" }""")]
    [InlineData("weatherapi", "forecast", """{ "q": "Reno", "days": "${input.days}" }""")]
    [InlineData("google_places", "nearby_search", """{ "lat": 1, "lng": 2, "type": "hospital" }""")]
    public void Validate_GoodConfig_HasNoIssue(string service, string operation, string config) => Assert.Empty(Issues(service, operation, config));

    [Theory]
    [InlineData("weatherapi", "current", "{}", IssueCodes.MissingParameter, "/steps/0/config", "lacks a parameter: give q, or lat and lng.")]
    [InlineData("weatherapi", "current", """{ "lat": 1 }""", IssueCodes.MissingParameter, "/steps/0/config", "lacks a parameter: give q, or lat and lng.")]
    [InlineData("google_places", "nearby_search", """{ "lat": 1 }""", IssueCodes.MissingParameter, "/steps/0/config", "lacks a parameter: 'lng' is required")]
    [InlineData("weatherapi", "forecast", """{ "q": "Reno", "days": 15 }""", IssueCodes.InvalidValue, "/steps/0/config/days", "'days' must be an integer from 1 to 14, but is 15.")]
    [InlineData("weatherapi", "current", """{ "lat": 1, "lon": "far" }""", IssueCodes.InvalidValue, "/steps/0/config/lon", "'lon' must be a number from -180 to 180, but is \"far\".")]
    [InlineData("weatherapi", "current", """{ "q": "Reno", "langs": "de" }""", IssueCodes.UnknownParameter, "/steps/0/config/langs", "takes no 'langs'.")]
    public void Validate_WrongConfig_IsTold(string service, string operation, string config, string code, string pointer, string message)
    {
        var issue = Assert.Single(Issues(service, operation, config));

        Assert.Equal((code, pointer), (issue.Code, issue.JsonPointer));
        Assert.Contains(message, issue.Message);
    }

    [Theory]
    [InlineData("create_item", """{ "name": "Tent", "price": 1 }""", 60, true)]
    [InlineData("create_item", """{ "name": "Tent", "price": 1 }""", 0, false)]
    [InlineData("get_item", """{ "id": "1" }""", 60, false)]
    public void Validate_KeepingAnAnswer_IsOnlyForWhatMayBeRepeated(string operation, string config, int seconds, bool isWrong)
    {
        var issues = Issues("http_example", operation, config, $", \"cache_ttl_seconds\": {seconds}").ToList();

        Assert.Equal(isWrong ? [(IssueCodes.InvalidValue, "/steps/0/cache_ttl_seconds")] : [], issues.Select(issue => (issue.Code, issue.JsonPointer)));
    }

    [Fact]
    public void Validate_ServiceWithABrokenFile_IsNotCalledUnknown()
    {
        using var tree = new WorkflowTree();
        tree.Write("services/fresh.json", """{ "name": "fresh", "base_url": "https://api.example.com", "operatoins": {} }""");
        tree.Write("definitions/own.json", """{ "name": "own", "version": "1.0.0", "steps": [{ "id": "a", "type": "external_api", "service": "fresh", "operation": "get" }] }""");
        var catalog = new WorkflowCatalog(
            tree.Root, () => KnownServices.Of(new ServiceCatalog(new EngineOptions { WorkflowsDirectory = tree.Root })), TimeProvider.System, NullLogger<WorkflowCatalog>.Instance);

        Assert.Equal(["services/fresh.json"], catalog.Problems.Select(problem => problem.File));
    }

    private static IEnumerable<DefinitionIssue> Issues(string service, string operation, string config, string further = "") => s_catalog.Value.Check($$"""
        { "name": "own", "steps": [{ "id": "a", "type": "external_api", "service": "{{service}}", "operation": "{{operation}}", "config": {{config}}{{further}} }] }
        """).Issues.Where(issue => issue.Severity == IssueSeverity.Error);
}
