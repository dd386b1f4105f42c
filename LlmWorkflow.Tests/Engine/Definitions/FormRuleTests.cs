using LlmWorkflow.Engine.Definitions;

namespace LlmWorkflow.Tests.Engine.Definitions;

public sealed class FormRuleTests
{
    [Theory]
    [InlineData("""{"id": "a", "type": "transform", "operation": "limit", "count": 1}""", true)]
    [InlineData("""{"id": "p", "type": "conditional", "condition": "true", "then": [{"id": "a", "type": "transform", "operation": "limit", "count": 1}]}""", true)]
    [InlineData("""{"id": "a", "type": "transform", "operation": "limit", "count": 1, "input": "${input.list}"}""", false)]
    [InlineData("""{"id": "a", "type": "transform", "operations": [{"operation": "limit", "count": 1, "input": [1, 2]}]}""", false)]
    [InlineData("""{"id": "a", "type": "transform", "operation": "merge", "inputs": [{}]}""", false)]
    [InlineData("""{"id": "a", "type": "transform", "operation": "template", "template": "hi"}""", false)]
    [InlineData("""{"id": "e", "type": "foreach", "items": "input.list", "steps": [{"id": "a", "type": "transform", "operation": "limit", "count": 1}]}""", false)]
    public void Check_TransformWithNothingToRead_IsAWarning(string step, bool isTold) => Assert.Equal(
        isTold ? ["warning MISSING_PROPERTY"] : [], Found(step));

    [Fact]
    public void Check_ProviderOptionThatTheEngineSends_IsAnErrorAtItsName() => Assert.Equal(
        ["error CONFLICTING_PROPERTIES"], Found("""{"id": "a", "type": "llm", "model": "m", "prompt": "hi", "provider_options": {"top_k": 5, "max_tokens": 5}}"""));

    private static IEnumerable<string> Found(string step) => DefinitionValidator
        .Validate("""{"name": "t", "steps": [STEP], "output": {"all": "${input}"}}""".Replace("STEP", step, StringComparison.Ordinal), "t", new() { Prompts = new Dictionary<string, string>() })
        .Issues.Where(issue => issue.Severity != IssueSeverity.Info).Select(issue => $"{issue.Severity.ToString().ToLowerInvariant()} {issue.Code}");
}
