using System.Diagnostics;
using System.Text.Json;
using static LlmWorkflow.Tests.Engine.Transforms.TestTransform;

namespace LlmWorkflow.Tests.Engine.Transforms;

public sealed class TextTransformTests
{
    [Theory]
    [InlineData("""["a", 1, true, null, "b"]""", "{}", "a, 1, true, b")]
    [InlineData("""["a", "b"]""", """{"separator": "\n- "}""", "a\n- b")]
    [InlineData("""["a", "b"]""", """{"separator": ""}""", "ab")]
    [InlineData("""["a", "b"]""", """{"separator": " ${input.city} "}""", "a Reno b")]
    [InlineData("""[{"n": "A", "p": 1}, {"p": 2}, {"n": "C"}]""", """{"expression": "item.n"}""", "A, C")]
    [InlineData("""[{"n": "A", "p": 1}, {"n": "C", "p": 2}]""", """{"expression": "index + 1 + '. ' + item.n", "separator": "; "}""", "1. A; 2. C")]
    [InlineData("[]", "{}", "")]
    public void Join_Items_GiveText(string input, string parameters, string expected) => Assert.Equal(expected, Apply("join", input, parameters).GetString());

    [Theory]
    [InlineData("Call 555-1 or 555-2", """{"pattern": "\\d{3}-(\\d)"}""", "\"1\"")]
    [InlineData("Call 555-1 or 555-2", """{"pattern": "\\d{3}-\\d"}""", "\"555-1\"")]
    [InlineData("Call 555-1 or 555-2", """{"pattern": "\\d{3}-(\\d)", "all": true}""", """["1", "2"]""")]
    [InlineData("Call 555-1 or 555-2", """{"pattern": "(\\d{3})-(?<last>\\d)", "group": "last", "all": true}""", """["1", "2"]""")]
    [InlineData("Call 555-1 or 555-2", """{"pattern": "(\\d{3})-(\\d)", "group": 2}""", "\"1\"")]
    [InlineData("Call 555-1 or 555-2", """{"pattern": "(\\d{3})-(\\d)", "group": 0}""", "\"555-1\"")]
    [InlineData("Call 555-1 or 555-2", """{"pattern": "(\\d{3})-(\\d)", "group": "2"}""", "\"1\"")]
    [InlineData("ab", """{"pattern": "(x)?b", "all": true}""", "[null]")]
    [InlineData("ab", """{"pattern": "x"}""", "null")]
    [InlineData("ab", """{"pattern": "x", "all": true}""", "[]")]
    [InlineData("aB", """{"pattern": "ab", "ignore_case": true}""", "\"aB\"")]
    [InlineData("a\nb", """{"pattern": "^b$"}""", "null")]
    [InlineData("a\nb", """{"pattern": "^b$", "multiline": true}""", "\"b\"")]
    [InlineData("price: ${amount}", """{"pattern": "\\${(\\w+)}"}""", "\"amount\"")]
    [InlineData("a1b", """{"pattern": "(?<=a)\\d(?=b)"}""", "\"1\"")]
    [InlineData("abab", """{"pattern": "(ab)\\1", "group": 0}""", "\"abab\"")]
    public void RegexExtract_Text_GivesMatches(string text, string parameters, string expected) => AssertJson(expected, ApplyToText("regex_extract", text, parameters));

    [Fact]
    public void RegexExtract_OutputOfLlmStep_ReadsContent() =>
        AssertJson("\"7\"", Apply("regex_extract", """{"content": "score 7", "model": "m"}""", """{"pattern": "\\d"}"""));

    [Theory]
    [InlineData("{}", "'pattern' must be text; it is nothing")]
    [InlineData("""{"pattern": "("}""", "'pattern' is no regular expression (")]
    [InlineData("""{"pattern": "(?<a>.)", "group": "b"}""", "the pattern has no such 'group'; there is 0, a; it is \"b\"")]
    [InlineData("""{"pattern": ".", "group": 1}""", "the pattern has no such 'group'")]
    [InlineData("""{"pattern": ".", "all": "yes"}""", "'all' must be true or false")]
    public void RegexExtract_Wrong_NamesOperationStepAndValue(string parameters, string message) =>
        Assert.Contains(message, Fails(() => ApplyToText("regex_extract", "x", parameters), "regex_extract").Message, StringComparison.Ordinal);

    [Theory]
    // Without look-around the engine runs in linear time and simply finds nothing.
    [InlineData(@"(a+)+$", null)]
    [InlineData(@"(?=a)(a+)+$", "takes more than 2 seconds")]
    [InlineData(@"(?=.)(x*x*)*y", null)]
    public void RegexExtract_EndlessBacktracking_IsStopped(string pattern, string? message)
    {
        long start = Stopwatch.GetTimestamp();
        string parameters = JsonSerializer.Serialize(new Dictionary<string, object> { ["pattern"] = pattern, ["all"] = true });
        string text = new string('a', 40) + "!";
        if (message is null)
        {
            Assert.Equal("[]", ApplyToText("regex_extract", text, parameters).GetRawText());
        }
        else
        {
            Assert.Contains(message, Fails(() => ApplyToText("regex_extract", text, parameters), "regex_extract").Message, StringComparison.Ordinal);
        }

        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 0, 100);
    }

    [Theory]
    [InlineData("{}", """{"template": "Hi ${input.city}: {{#each tags}}{{this}};{{/each}}", "variables": {"tags": "${input.tags}"}}""", "Hi Reno: a;b;")]
    [InlineData("{}", """{"template": "{{a}} <{{b.c}}> & \"x\"", "variables": {"a": "<b>", "b": {"c": 1.5}}}""", "<b> <1.5> & \"x\"")]
    [InlineData("""{"name": "Ann", "n": 2}""", """{"template": "{{name}} has {{n}}"}""", "Ann has 2")]
    [InlineData("3", """{"template": "{{include:shared/tone.md}} ${steps.fetch.status_code}"}""", "Be kind. 200")]
    [InlineData("{}", """{"template": "{{v}}", "variables": {"v": "${input.evil}"}}""", "{{secret}} ${input.city} {{include:shared/tone.md}}")]
    [InlineData("{}", """{"template": "costs $5 and $${x}"}""", "costs $5 and ${x}")]
    public void Template_Variables_ArePutIn(string input, string parameters, string expected) => Assert.Equal(expected, Apply("template", input, parameters).GetString());

    [Theory]
    [InlineData("""{"template": "{{nmae}}", "variables": {"name": 1}}""", "'nmae'")]
    [InlineData("""{"template": "${input.nope}"}""", "${input.nope} has no value")]
    [InlineData("""{"template": "{{#each x}}", "variables": {"x": 1}}""", "each")]
    [InlineData("""{"template": "${"}""", "position")]
    [InlineData("""{"template": 1}""", "'template' must be text; it is 1")]
    [InlineData("""{"template": "x", "variables": [1]}""", "'variables' must be an object")]
    public void Template_Wrong_NamesOperationAndStep(string parameters, string message) =>
        Assert.Contains(message, Fails(() => Apply("template", "{}", parameters), "template").Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("""[{"a": 1}]""", "{}", "item 0 gives an object: 'expression' must say which text of it is meant; it is {\"a\": 1}")]
    [InlineData("\"a\"", "{}", "'join' needs an array")]
    [InlineData("[]", """{"separator": 1}""", "'separator' must be text")]
    public void Join_Wrong_NamesOperationStepAndValue(string input, string parameters, string message) =>
        Assert.Contains(message, Fails(() => Apply("join", input, parameters), "join").Message, StringComparison.Ordinal);
}
