using LlmWorkflow.Engine.Definitions;

namespace LlmWorkflow.Tests.Engine.Definitions;

/// <summary>Which steps a step may read.</summary>
public sealed class ReferenceTests
{
    private const string Steps = """
        W(first), W(maybe, "when": "input.go"),
        {"id": "decide", "type": "conditional", "condition": "C", "then": [W(yes), T(yes_reader)], "else": [W(no), T(no_reader)]},
        {"id": "both", "type": "parallel", "branches": {"left": [W(left)], "right": [W(right), T(right_reader)]}},
        {"id": "each", "type": "foreach", "items": "I", "as": "row", "steps": [W(inner), T(inner_reader)]},
        {"id": "risky", "type": "parallel", "on_error": "continue", "branches": {"one": [W(risk)]}},
        T(last), W(after)
        """;

    [Theory]
    [InlineData("last", "${steps.first.output}", null)]
    [InlineData("last", "${steps.decide.output}", null)]
    [InlineData("last", "${steps.both.output.left}", null)]
    [InlineData("last", "${steps.left.output}", null)]
    [InlineData("last", "${steps.each.output[0]}", null)]
    [InlineData("last", "${steps.after.output}", "LATER_REFERENCE")]
    [InlineData("last", "${steps.last.output}", "LATER_REFERENCE")]
    [InlineData("last", "${steps.inner.output}", "UNKNOWN_REFERENCE")]
    [InlineData("last", "${steps.yes.output}", "NOT_ALWAYS_RUN")]
    [InlineData("last", "${steps.yes.status}", "NOT_ALWAYS_RUN")]
    [InlineData("last", "${steps.maybe.output}", "NOT_ALWAYS_RUN")]
    [InlineData("last", "${steps.risk.output}", "NOT_ALWAYS_RUN")]
    [InlineData("last", "a ${steps.maybe.output.x ?? 'no'} b", null)]
    [InlineData("last", "${coalesce(steps.maybe.output, steps.yes.output, 1)}", null)]
    [InlineData("last", "${coalesce(steps.maybe.output, steps.yes.output)}", "NOT_ALWAYS_RUN")]
    [InlineData("last", "${exists(steps.yes.output)}", null)]
    [InlineData("last", "${empty(steps.yes.output)}", null)]
    [InlineData("last", "${steps.yes.output == 1}", null)]
    [InlineData("last", "${steps.yes.output == 1 ? steps.no.output : 2}", "NOT_ALWAYS_RUN")]
    [InlineData("last", "${upper(steps.yes.output)}", "NOT_ALWAYS_RUN")]
    [InlineData("last", "${steps.yes.output ?? steps.no.output}", "NOT_ALWAYS_RUN")]
    [InlineData("last", "${steps[input.id].output}", "UNKNOWN_REFERENCE")]
    [InlineData("last", "${item}", "UNKNOWN_REFERENCE")]
    [InlineData("last", "${row}", "UNKNOWN_REFERENCE")]
    [InlineData("last", "${context.job_id}", null)]
    [InlineData("last", "${context.jobid}", "UNKNOWN_REFERENCE")]
    [InlineData("yes_reader", "${steps.yes.output}", null)]
    [InlineData("yes_reader", "${steps.first.output}", null)]
    [InlineData("yes_reader", "${steps.decide.output}", "LATER_REFERENCE")]
    [InlineData("no_reader", "${steps.yes.output}", "LATER_REFERENCE")]
    [InlineData("right_reader", "${steps.right.output}", null)]
    [InlineData("right_reader", "${steps.left.output}", "LATER_REFERENCE")]
    [InlineData("inner_reader", "${steps.inner.output}", null)]
    [InlineData("inner_reader", "${row.name} ${index}", null)]
    [InlineData("inner_reader", "${item}", "UNKNOWN_REFERENCE")]
    [InlineData("C", "steps.maybe.output > 1", null)]
    [InlineData("C", "${steps.maybe.output}", null)]
    [InlineData("C", "steps.yes.output", "LATER_REFERENCE")]
    [InlineData("I", "steps.maybe.output", "NOT_ALWAYS_RUN")]
    [InlineData("I", "row", "UNKNOWN_REFERENCE")]
    [InlineData("output", "${steps.after.output}", null)]
    [InlineData("output", "${steps.no.output}", "NOT_ALWAYS_RUN")]
    [InlineData("output", "${steps.inner.output}", "UNKNOWN_REFERENCE")]
    [InlineData("key", "input.user ?? context.user_id", null)]
    [InlineData("key", "steps.first.output", "UNKNOWN_REFERENCE")]
    public void Validate_Read_IsAllowedOrNot(string reader, string text, string? code)
    {
        ValidationResult result = Validate(reader, text);

        DefinitionIssue? error = result.Issues.SingleOrDefault(issue => issue.Severity == IssueSeverity.Error);
        Assert.Equal(code, error?.Code);
        Assert.Equal(code is not null, result.Definition is null);
    }

    [Fact]
    public void Validate_NotAlwaysRun_SuggestsTheConditionalsOwnOutput()
    {
        DefinitionIssue error = Validate("last", "${steps.yes.output}").Issues.Single(issue => issue.Severity == IssueSeverity.Error);

        Assert.Contains("${steps.yes.output ?? null}", error.Suggestion, StringComparison.Ordinal);
        Assert.Contains("${steps.decide.output}", error.Suggestion, StringComparison.Ordinal);
    }

    [Fact]
    public void Validate_ReadInsideText_PointsAtTheName()
    {
        DefinitionIssue error = Assert.Single(InvalidSamples.Issues("unknown_reference"));
        string line = InvalidSamples.Read("unknown_reference").Split('\n')[error.Line - 1];

        Assert.StartsWith("aks", line[(error.Column - 1)..], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"operation\": \"filter\", \"condition\": \"item.ok && index < 3 && input.x\"", null)]
    [InlineData("\"operation\": \"filter\", \"condition\": \"${row.ok}\"", "UNKNOWN_REFERENCE")]
    [InlineData("\"operation\": \"map\", \"value\": {\"a\": \"${item.a} ${index}\"}", null)]
    [InlineData("\"operation\": \"map\", \"expression\": \"item.a +\"", "INVALID_EXPRESSION")]
    [InlineData("\"operation\": \"sort\", \"by\": [{\"by\": \"item.a\", \"direction\": \"desc\"}, {\"by\": \"itm.b\"}]", "UNKNOWN_REFERENCE")]
    [InlineData("\"operation\": \"regex_extract\", \"pattern\": \"${not} an expression\"", null)]
    [InlineData("\"operation\": \"template\", \"template\": \"Hi {{name}} ${input.x}\", \"variables\": {\"name\": 1}", null)]
    [InlineData("\"operation\": \"template\", \"template\": \"Hi {{nam}}\", \"variables\": {\"name\": 1}", "UNKNOWN_VARIABLE")]
    [InlineData("\"operation\": \"template\", \"template\": \"Hi {{nam}}\"", null)]
    [InlineData("\"operation\": \"limit\", \"count\": \"${input.n}\"", null)]
    [InlineData("\"operation\": \"limit\", \"count\": \"three\"", "WRONG_TYPE")]
    [InlineData("\"operations\": [{\"operation\": \"filter\", \"condition\": \"item\"}, {\"operation\": \"group_by\", \"by\": \"itme\"}]", "UNKNOWN_REFERENCE")]
    [InlineData("\"operation\": \"pick\"", "MISSING_PARAMETER")]
    [InlineData("\"operation\": \"pick\", \"fields\": [\"a\"], \"omit\": [\"b\"]", "CONFLICTING_PROPERTIES")]
    public void Validate_TransformParameters_KnowTheItem(string parameters, string? code)
    {
        ValidationResult result = DefinitionValidator.Validate(
            $$"""{"name": "t", "steps": [{"id": "a", "type": "transform", "input": "${input.list}", {{parameters}}}]}""", "t", Surroundings());

        Assert.Equal(code, result.Issues.SingleOrDefault()?.Code);
    }

    [Fact]
    public void Validate_UnusedOutputs_AreThoseThatNothingReads()
    {
        const string Json = """
            {"name": "t", "steps": [
              {"id": "pause", "type": "wait", "seconds": 1},
              {"id": "unused", "type": "transform", "operation": "flatten", "input": []},
              {"id": "piped", "type": "transform", "operation": "flatten", "input": []},
              {"id": "read", "type": "transform", "operation": "flatten"},
              {"id": "decide", "type": "conditional", "condition": "steps.read.output", "then": [
                {"id": "lost", "type": "transform", "operation": "flatten", "input": []},
                {"id": "given", "type": "transform", "operation": "flatten", "input": []}]},
              {"id": "outer", "type": "parallel", "branches": {"a": [{"id": "deep", "type": "transform", "operation": "flatten", "input": []}]}},
              {"id": "each", "type": "foreach", "items": "steps.deep.output", "steps": [{"id": "one", "type": "transform", "operation": "flatten", "input": []}]},
              {"id": "ok", "type": "approval"}
            ], "output": {"x": "${steps.each.output}"}}
            """;

        ValidationResult result = DefinitionValidator.Validate(Json, "t", Surroundings());

        Assert.All(result.Issues, issue => Assert.Equal((IssueCodes.UnusedOutput, IssueSeverity.Info), (issue.Code, issue.Severity)));
        Assert.Equal(["/steps/1", "/steps/4", "/steps/4/then/0"], result.Issues.Select(issue => issue.JsonPointer));
    }

    private static ValidationResult Validate(string reader, string text)
    {
        string steps = System.Text.RegularExpressions.Regex.Replace(Steps, @"W\((\w+)(.*?)\)", """{"id": "$1", "type": "transform", "operation": "flatten", "input": []$2}""");
        steps = System.Text.RegularExpressions.Regex.Replace(
            steps, @"T\((\w+)\)", match => $$"""{"id": "{{match.Groups[1].Value}}", "type": "transform", "operation": "flatten", "input": ["{{(match.Groups[1].Value == reader ? text : "")}}"]}""");
        steps = steps.Replace("\"C\"", $"\"{(reader == "C" ? text : "true")}\"", StringComparison.Ordinal).Replace("\"I\"", $"\"{(reader == "I" ? text : "input.list")}\"", StringComparison.Ordinal);
        string output = reader == "output" ? $$""", "output": {"x": "{{text}}"}""" : "";
        string key = reader == "key" ? $$""" "concurrency": {"limit": 1, "key": "{{text}}"},""" : "";
        return DefinitionValidator.Validate($$"""{"name": "t",{{key}} "steps": [{{steps}}]{{output}}}""", "t", Surroundings());
    }

    private static DefinitionSurroundings Surroundings() => new() { Prompts = new Dictionary<string, string>() };
}
