using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Definitions;

namespace LlmWorkflow.Tests.Engine.Definitions;

public sealed class DefinitionValidatorTests
{
    private const string Llm = """{"id": "a", "type": "llm", "model": "m", "prompt": "hi"}""";

    private static readonly DefinitionSurroundings s_surroundings = new()
    {
        Prompts = new Dictionary<string, string>
        {
            ["greet.md"] = "Hi {{name}} {{include:shared/tone.md}}",
            ["shared/tone.md"] = "${steps.later.output}",
            ["plain.md"] = "Hi {{name}}",
            ["a.md"] = "{{include:b.md}}",
            ["b.md"] = "{{include:a.md}}",
            ["gone.md"] = "{{include:shared/ton.md}}",
            ["broken.md"] = "{{#each x}}",
            ["badexpr.md"] = "${input.}",
        },
        Services = [new KnownService("google_places", [new KnownOperation("nearby_search", ["lat", "lng", "radius"], ["lat", "lng"])])],
        Prices = PriceBookReader.Parse("""{"unit": "usd_per_million_tokens", "default_max_tokens": 1, "models": {"m": {"prices": [{"input": 1, "output": 1}]}}}"""),
    };

    [Theory]
    [InlineData("""{"name": "t", "steps": [""", "MALFORMED_JSON", "")]
    [InlineData("""{"name": "t", "steps": [], }""", "MALFORMED_JSON", "")]
    [InlineData("[]", "WRONG_TYPE", "")]
    [InlineData("""{"name": "t"}""", "MISSING_PROPERTY", "")]
    [InlineData("""{"name": "t", "steps": []}""", "OUT_OF_RANGE", "/steps")]
    [InlineData("""{"name": "T x", "steps": [LLM]}""", "INVALID_NAME", "/name")]
    [InlineData("""{"name": "u", "steps": [LLM]}""", "NAME_MISMATCH", "/name")]
    [InlineData("""{"name": "t", "steps": [LLM], "stepz": 1}""", "UNKNOWN_PROPERTY", "/stepz")]
    [InlineData("""{"name": "t", "name": "t", "steps": [LLM]}""", "DUPLICATE_PROPERTY", "/name")]
    [InlineData("""{"name": "t", "version": "one", "steps": [LLM]}""", "INVALID_VALUE", "/version")]
    [InlineData("""{"name": "t", "timeout_seconds": 0, "steps": [LLM]}""", "OUT_OF_RANGE", "/timeout_seconds")]
    [InlineData("""{"name": "t", "timeout_seconds": "1", "steps": [LLM]}""", "WRONG_TYPE", "/timeout_seconds")]
    [InlineData("""{"name": "t", "steps": [LLM, LLM]}""", "DUPLICATE_STEP_ID", "/steps/1/id")]
    [InlineData("""{"name": "t", "steps": [{"id": "a", "type": "lm"}]}""", "UNKNOWN_STEP_TYPE", "/steps/0/type")]
    [InlineData("""{"name": "t", "steps": [{"id": "a", "type": "llm", "model": "m"}]}""", "MISSING_PROPERTY", "/steps/0")]
    [InlineData("""{"name": "t", "steps": [{"id": "a", "type": "llm", "model": "m", "prompt": "x", "temprature": 1}]}""", "UNKNOWN_PROPERTY", "/steps/0/temprature")]
    [InlineData("""{"name": "t", "steps": [{"id": "a", "type": "llm", "model": "m", "prompt": "x", "prompt_template": "plain.md", "variables": {"name": 1}}]}""", "CONFLICTING_PROPERTIES", "/steps/0/prompt_template")]
    [InlineData("""{"name": "t", "steps": [{"id": "a", "type": "llm", "model": "m", "prompt": "x", "temperature": 3}]}""", "OUT_OF_RANGE", "/steps/0/temperature")]
    [InlineData("""{"name": "t", "steps": [{"id": "a", "type": "llm", "model": "m", "prompt": "x", "retry": {"max_attempts": 21}}]}""", "OUT_OF_RANGE", "/steps/0/retry/max_attempts")]
    [InlineData("""{"name": "t", "steps": [{"id": "a", "type": "llm", "model": "m", "prompt": "x", "retry": {"tries": 2}}]}""", "UNKNOWN_PROPERTY", "/steps/0/retry/tries")]
    [InlineData("""{"name": "t", "steps": [{"id": "a", "type": "llm", "model": "m", "prompt": "x", "on_error": "ignore"}]}""", "INVALID_VALUE", "/steps/0/on_error")]
    [InlineData("""{"name": "t", "steps": [{"id": "a", "type": "llm", "model": "m", "prompt": "x ${input.}"}]}""", "INVALID_EXPRESSION", "/steps/0/prompt")]
    [InlineData("""{"name": "t", "steps": [{"id": "a", "type": "llm", "model": "m", "prompt": "{{x}}"}]}""", "UNKNOWN_VARIABLE", "/steps/0/prompt")]
    [InlineData("""{"name": "t", "steps": [{"id": "a", "type": "llm", "model": "m", "prompt_template": "gret.md"}]}""", "MISSING_PROMPT", "/steps/0/prompt_template")]
    [InlineData("""{"name": "t", "steps": [{"id": "a", "type": "llm", "model": "m", "prompt_template": "gone.md"}]}""", "MISSING_INCLUDE", "/steps/0/prompt_template")]
    [InlineData("""{"name": "t", "steps": [{"id": "a", "type": "llm", "model": "m", "prompt_template": "a.md"}]}""", "INCLUDE_CYCLE", "/steps/0/prompt_template")]
    [InlineData("""{"name": "t", "steps": [{"id": "a", "type": "llm", "model": "m", "prompt_template": "../../etc/passwd"}]}""", "PROMPT_PATH_OUTSIDE", "/steps/0/prompt_template")]
    [InlineData("""{"name": "t", "steps": [{"id": "a", "type": "llm", "model": "m", "prompt_template": "broken.md", "variables": {"x": 1}}]}""", "INVALID_PROMPT", "/steps/0/prompt_template")]
    [InlineData("""{"name": "t", "steps": [{"id": "a", "type": "llm", "model": "m", "prompt_template": "badexpr.md"}]}""", "INVALID_EXPRESSION", "/steps/0/prompt_template")]
    [InlineData("""{"name": "t", "steps": [{"id": "a", "type": "llm", "model": "m", "prompt_template": "greet.md", "variables": {"name": 1}}]}""", "UNKNOWN_REFERENCE", "/steps/0/prompt_template")]
    [InlineData("""{"name": "t", "steps": [{"id": "a", "type": "external_api", "service": "google_place", "operation": "x"}]}""", "UNKNOWN_SERVICE", "/steps/0/service")]
    [InlineData("""{"name": "t", "steps": [{"id": "a", "type": "external_api", "service": "google_places", "operation": "nearby"}]}""", "UNKNOWN_OPERATION", "/steps/0/operation")]
    [InlineData("""{"name": "t", "steps": [{"id": "a", "type": "external_api", "service": "google_places", "operation": "nearby_search", "config": {"lat": 1}}]}""", "MISSING_PARAMETER", "/steps/0/config")]
    [InlineData("""{"name": "t", "steps": [{"id": "a", "type": "external_api", "service": "google_places", "operation": "nearby_search", "config": {"lat": 1, "lng": 2, "radious": 3}}]}""", "UNKNOWN_PARAMETER", "/steps/0/config/radious")]
    [InlineData("""{"name": "t", "steps": [{"id": "a", "type": "transform", "operation": "extract"}]}""", "UNKNOWN_OPERATION", "/steps/0/operation")]
    [InlineData("""{"name": "t", "steps": [{"id": "a", "type": "transform", "operation": "extract_fields"}]}""", "MISSING_PARAMETER", "/steps/0")]
    [InlineData("""{"name": "t", "steps": [{"id": "a", "type": "transform", "operation": "markdown_to_json", "section": {}}]}""", "UNKNOWN_PROPERTY", "/steps/0/section")]
    [InlineData("""{"name": "t", "steps": [{"id": "a", "type": "transform", "operations": []}]}""", "OUT_OF_RANGE", "/steps/0/operations")]
    [InlineData("""{"name": "t", "steps": [{"id": "a", "type": "transform", "operations": [{"operation": "extract_fields", "fields": {}, "foo": 1}]}]}""", "UNKNOWN_PROPERTY", "/steps/0/operations/0/foo")]
    [InlineData("""{"name": "t", "steps": [LLM], "output": {"x": "${steps.b.output}"}}""", "UNKNOWN_REFERENCE", "/output/x")]
    [InlineData("""{"name": "t", "steps": [LLM], "output": {"x": "${context.nope}"}}""", "UNKNOWN_REFERENCE", "/output/x")]
    [InlineData("""{"name": "t", "steps": [LLM], "output": {"x": ["${inptu.x}"]}}""", "UNKNOWN_REFERENCE", "/output/x/0")]
    [InlineData("""{"name": "t", "steps": [{"id": "b", "type": "transform", "operation": "markdown_to_json", "input": "${steps.a.output}"}, LLM]}""", "LATER_REFERENCE", "/steps/0/input")]
    [InlineData("""{"name": "t", "steps": [{"id": "b", "type": "transform", "operation": "markdown_to_json", "input": "${steps.b.output}"}]}""", "LATER_REFERENCE", "/steps/0/input")]
    [InlineData("""{"name": "t", "steps": [LLM], "input_schema": {"type": "strng"}}""", "INVALID_INPUT_SCHEMA", "/input_schema/type")]
    [InlineData("""{"name": "t", "steps": [LLM], "input_schema": {"properties": {"a": {"$ref": "http://x/y"}}}}""", "INVALID_INPUT_SCHEMA", "/input_schema/properties/a/$ref")]
    [InlineData("""{"name": "t", "steps": [LLM], "input_schema": {"properties": {"a": {"pattern": "("}}}}""", "INVALID_INPUT_SCHEMA", "/input_schema/properties/a/pattern")]
    public void Validate_Wrong_GivesOneErrorWithCodeAndPointer(string json, string code, string at)
    {
        ValidationResult result = DefinitionValidator.Validate(json.Replace("LLM", Llm, StringComparison.Ordinal), "t", s_surroundings);

        DefinitionIssue issue = Assert.Single(result.Issues, found => found.Severity == IssueSeverity.Error);
        Assert.Equal((code, at), (issue.Code, issue.JsonPointer));
        Assert.Null(result.Definition);
    }

    [Fact]
    public void Validate_ManyFaults_GivesAllInFileOrderWithLineAndColumn()
    {
        const string Json = """
            {
              "name": "other",
              "typo": 1,
              "steps": [
                { "id": "a", "type": "llm", "model": "mm", "prompt": "é ${input.}" },
                { "id": "a", "type": "nope" }
              ],
              "output": { "x": "${steps.b.output}" }
            }
            """;

        ValidationResult result = DefinitionValidator.Validate(Json, "t", s_surroundings);

        Assert.Equal(
            [
                "2:11 error NAME_MISMATCH", "3:3 error UNKNOWN_PROPERTY", "5:42 warning UNKNOWN_PRICE", "5:69 error INVALID_EXPRESSION",
                "6:13 error DUPLICATE_STEP_ID", "6:26 error UNKNOWN_STEP_TYPE", "8:29 error UNKNOWN_REFERENCE",
            ],
            result.Issues.Select(issue => $"{issue.Line}:{issue.Column} {issue.Severity} {issue.Code}".Replace(issue.Severity.ToString(), issue.Severity.ToString().ToLowerInvariant(), StringComparison.Ordinal)));
        Assert.Contains("'m'", result.Issues[2].Suggestion, StringComparison.Ordinal);
    }

    [Fact]
    public void Validate_MalformedJson_NamesLineAndColumn()
    {
        DefinitionIssue issue = Assert.Single(DefinitionValidator.Validate("{\n  \"name\": \"t\"\n  \"steps\": []\n}", "t", s_surroundings).Issues);

        Assert.Equal((3, 3), (issue.Line, issue.Column));
    }

    [Fact]
    public void Validate_FullDefinition_IsRead()
    {
        ValidationResult result = DefinitionValidator.Validate(
            """
            {
              "name": "t", "version": "2.1.0", "display_name": "T", "variables": {"k": 1}, "max_cost_usd": 0.5,
              "steps": [
                {"id": "later", "type": "external_api", "service": "google_places", "operation": "nearby_search", "config": {"lat": "${input.lat}", "lng": 2}, "on_error": "continue", "default": {"data": {}}},
                {"id": "a", "type": "llm", "model": "m", "prompt_template": "greet.md", "variables": {"name": "${context.k}"}, "retry": {"max_attempts": 5, "jitter": false}, "stop": ["x"]},
                {"id": "b", "type": "transform", "operations": [{"operation": "markdown_to_json"}, {"operation": "extract_fields", "fields": {"x": "$.x"}}]}
              ]
            }
            """,
            "t",
            s_surroundings);

        Assert.DoesNotContain(result.Issues, issue => issue.Code != IssueCodes.UnusedOutput);
        WorkflowDefinition definition = result.Definition!;
        Assert.Equal(("2.1.0", 0.5m, 600d), (definition.Version, definition.MaxCostUsd, definition.TimeoutSeconds));
        Assert.Equal(OnError.Continue, definition.Steps[0].OnError);
        LlmStepDefinition llm = Assert.IsType<LlmStepDefinition>(definition.Steps[1]);
        Assert.Equal((5, false, 2d), (llm.Retry!.MaxAttempts, llm.Retry.Jitter, llm.Retry.BackoffMultiplier));
        Assert.Equal(["markdown_to_json", "extract_fields"], Assert.IsType<TransformStepDefinition>(definition.Steps[2]).Operations.Select(operation => operation.Operation));
        Assert.Equal(["greet.md", "shared/tone.md"], result.UsedPrompts.Order());
    }
}
