using System.Text.Json;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Tests.Engine.Definitions;
using LlmWorkflow.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using NJsonSchema;

namespace LlmWorkflow.Tests.Engine.Costs;

public sealed class SpendLimitsTests
{
    private const string Sample = """
        {
          "$schema": "./limits.schema.json",
          "description": "d",
          "daily_usd": {"workflows": {"*": 50, "cheap": 0.5}, "users": {"*": 5, "01890A5D-AC96-774B-BCCE-B302099A8057": 50}},
          "providers": {"openai": {"*": {"concurrency": 50}, "gpt-5": {"requests_per_minute": 500, "tokens_per_minute": 2000000, "concurrency": 20}}}
        }
        """;

    private static readonly Lazy<JsonSchema> s_schema = new(() =>
        JsonSchema.FromJsonAsync(File.ReadAllText(Path.Combine(ShippedWorkflows.Directory, "limits.schema.json"))).GetAwaiter().GetResult());

    [Fact]
    public void Parse_Sample_GivesEveryLimit()
    {
        var limits = SpendLimitsReader.Parse(Sample);

        Assert.Equal((50m, 0.5m), (limits.Workflow("any"), limits.Workflow("cheap")));
        Assert.Equal((5m, 50m, null), (limits.User(Guid.NewGuid()), limits.User(Guid.Parse("01890a5d-ac96-774b-bcce-b302099a8057")), limits.User(null)));
        Assert.Equal(new ModelLimits(50, null, null), limits.Model("openai", "other"));
        Assert.Equal(new ModelLimits(20, 500, 2_000_000), limits.Model("openai", "gpt-5"));
        Assert.Equal(ModelLimits.None, limits.Model("anthropic", "x"));
    }

    [Fact]
    public void Parse_ShippedFile_LimitsNothingAndFitsItsSchema()
    {
        var json = File.ReadAllText(Path.Combine(ShippedWorkflows.Directory, "limits.json"));

        var limits = SpendLimitsReader.Parse(json);

        Assert.True(limits.DailyByWorkflow.Count == 0 && limits.DailyByUser.Count == 0 && limits.Providers.Count == 0);
        Assert.Empty(s_schema.Value.Validate(json));
        Assert.Empty(s_schema.Value.Validate(Sample));
    }

    [Theory]
    [InlineData("{}", null)]
    [InlineData("[]", "")]
    [InlineData("""{"daily": {}}""", "/daily")]
    [InlineData("""{"daily_usd": 5}""", "/daily_usd")]
    [InlineData("""{"daily_usd": {"workflow": {}}}""", "/daily_usd/workflow")]
    [InlineData("""{"daily_usd": {"workflows": {"a/b": -1}}}""", "/daily_usd/workflows/a~1b")]
    [InlineData("""{"daily_usd": {"workflows": {"a": "5"}}}""", "/daily_usd/workflows/a")]
    [InlineData("""{"daily_usd": {"users": {"*": null}}}""", "/daily_usd/users/*")]
    [InlineData("""{"providers": []}""", "/providers")]
    [InlineData("""{"providers": {"p": {"m": 5}}}""", "/providers/p/m")]
    [InlineData("""{"providers": {"p": 5}}""", "/providers/p")]
    [InlineData("""{"providers": {"p": {"m": {"rpm": 5}}}}""", "/providers/p/m/rpm")]
    [InlineData("""{"providers": {"p": {"m": {"concurrency": 0}}}}""", "/providers/p/m/concurrency")]
    [InlineData("""{"providers": {"p": {"m": {"requests_per_minute": 1.5}}}}""", "/providers/p/m/requests_per_minute")]
    [InlineData("""{"description": 1}""", "/description")]
    public void Read_File_NamesTheFaultAndAgreesWithTheSchema(string json, string? pointer)
    {
        var faults = SpendLimitsReader.Read(json).Faults;

        Assert.Equal(pointer is null ? [] : [pointer], faults.Select(fault => fault.Pointer));
        Assert.Equal(pointer is null, s_schema.Value.Validate(json).Count == 0);
    }

    [Fact]
    public void Read_UserThatIsNoId_IsRefused() =>
        Assert.Contains("UUID", Assert.Throws<WorkflowException>(() => SpendLimitsReader.Parse("""{"daily_usd": {"users": {"ada": 5}}}""")).Message);

    [Fact]
    public void Reload_BrokenFile_KeepsTheLastGoodOneAndSaysWhere()
    {
        using var tree = new WorkflowTree();
        using var catalog = new WorkflowCatalog(tree.Root, null, TimeProvider.System, NullLogger<WorkflowCatalog>.Instance);

        tree.Write("limits.json", """{"daily_usd": {"workflows": {"nobody": 3}}}""");
        catalog.Reload();
        Assert.Equal(3, catalog.Limits.Workflow("nobody"));
        Assert.Empty(catalog.Problems);
        var warning = Assert.Single(catalog.LimitIssues);
        Assert.Equal((IssueSeverity.Warning, IssueCodes.UnknownWorkflow, 1), (warning.Severity, warning.Code, warning.Line));

        tree.Write("limits.json", "{\n  \"providers\": {\"p\": {\"m\": {\n    \"concurrency\": -1, \"x\": 1}}}}");
        catalog.Reload();
        Assert.Equal(3, catalog.Limits.Workflow("nobody"));
        var problem = Assert.Single(catalog.Problems);
        Assert.True(problem.LastGoodInUse);
        Assert.Equal(
            [("limits.json", 3, 20, IssueCodes.InvalidValue), ("limits.json", 3, 24, IssueCodes.UnknownProperty)],
            problem.Issues.Select(issue => (problem.File, issue.Line, issue.Column, issue.Code)));
    }
}
