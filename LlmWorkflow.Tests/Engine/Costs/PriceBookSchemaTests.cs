using System.Text.Json;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Tests.Engine.Definitions;
using NJsonSchema;

namespace LlmWorkflow.Tests.Engine.Costs;

/// <summary>What editors are told of <c>pricing.json</c> is what the reader takes.</summary>
public sealed class PriceBookSchemaTests
{
    private const string Head = """{"unit": "usd_per_million_tokens", "default_max_tokens": 1, "models": {"m": {"prices": [{"input": 1, "output": 1""";

    private static readonly string s_file = Path.Combine(ShippedWorkflows.Directory, "pricing.json");

    private static readonly Lazy<JsonSchema> s_schema = new(() =>
        JsonSchema.FromJsonAsync(File.ReadAllText(Path.Combine(ShippedWorkflows.Directory, "pricing.schema.json"))).GetAwaiter().GetResult());

    [Fact]
    public void Schema_ShippedFile_PassesAndNamesIt()
    {
        Assert.Empty(s_schema.Value.Validate(File.ReadAllText(s_file)));
        Assert.Equal("./pricing.schema.json", JsonDocument.Parse(File.ReadAllText(s_file)).RootElement.GetProperty("$schema").GetString());
    }

    [Theory]
    [InlineData("", true)]
    [InlineData(""", "per_request": 0.01, "caches_by_itself": true, "from": "2026-01-01", "to": "2026-01-02T03:04:05Z" """, true)]
    [InlineData(""", "multipliers": {"service_tier:batch": 0.5}""", true)]
    [InlineData(""", "tiers": [{"above_input_tokens": 1, "input": 1, "output": 1, "reasoning": 3}]""", true)]
    [InlineData(""", "tier": []""", false)]
    [InlineData(""", "tiers": [{"input": 1, "output": 1}]""", false)]
    [InlineData(""", "cache_read": -1""", false)]
    [InlineData(""", "cache_read": "1" """, false)]
    [InlineData(""", "from": "soon" """, false)]
    [InlineData(""", "multipliers": {"batch": 0.5}""", false)]
    [InlineData(""", "multipliers": {"service_tier:batch": 101}""", false)]
    [InlineData(""", "sources": "anthropic" """, false)]
    [InlineData(""", "caches_by_itself": "yes" """, false)]
    public void Schema_Price_AgreesWithTheReader(string members, bool isValid)
    {
        var json = Head + members + "}]}}}";

        Assert.Equal(isValid, s_schema.Value.Validate(json).Count == 0);
        Assert.Equal(isValid, PriceBookReader.Read(json).Faults.Count == 0);
    }

    [Fact]
    public void Read_WrongFile_NamesEveryPlaceInIt()
    {
        var (book, issues) = PricingIssues.Read("""
            {
              "unit": "usd_per_million_tokens",
              "default_max_tokens": 0,
              "models": {
                "a/b": { "prices": [{ "input": -1, "outputs": 2 }] }
              }
            }
            """);

        Assert.Null(book);
        Assert.Equal(
            [
                ("/default_max_tokens", 3, 25, IssueCodes.InvalidValue),
                ("/models/a~1b/prices/0/output", 5, 25, IssueCodes.MissingProperty),
                ("/models/a~1b/prices/0/input", 5, 36, IssueCodes.InvalidValue),
                ("/models/a~1b/prices/0/outputs", 5, 40, IssueCodes.UnknownProperty),
            ],
            issues.Select(issue => (issue.JsonPointer, issue.Line, issue.Column, issue.Code)));
        Assert.Equal("Did you mean 'output'?", issues[3].Suggestion);
    }

    [Theory]
    [InlineData("{\n  \"unit\": }", 2, 11, IssueCodes.MalformedJson)]
    [InlineData("{\n  \"unit\": \"\\ud800\"}", 1, 1, IssueCodes.MalformedJson)]
    [InlineData("{\"unit\": 1,\n\"unit\": 2}", 2, 1, IssueCodes.DuplicateProperty)]
    public void Read_BrokenJson_SaysWhere(string json, int line, int column, string code)
    {
        var issue = Assert.Single(PricingIssues.Read(json).Issues);

        Assert.Equal((line, column, code), (issue.Line, issue.Column, issue.Code));
    }
}
