using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using LlmWorkflow.Engine.Diagnostics;
using static LlmWorkflow.Tests.Engine.Transforms.TestTransform;

namespace LlmWorkflow.Tests.Engine.Transforms;

public sealed class MarkdownToJsonTests
{
    private const string TwoSections = """{"sections": {"contacts": "Emergency Contacts", "places": ["Meeting Locations", "Meeting Points"]}}""";

    [Theory]
    // One bullet per contact, labels on lines of their own.
    [InlineData("- **Name:** City Hospital\n  **Phone:** 555-1\n- **Name:** Fire Dept\n  **Phone**: 555-2", """[{"name":"City Hospital","phone":"555-1"},{"name":"Fire Dept","phone":"555-2"}]""")]
    // Labels in a nested list.
    [InlineData("- **Name:** City Hospital\n  - **Phone:** 555-1\n  - **Address:** 1 Main St\n- **Name:** B\n  - **Phone:** 2", """[{"name":"City Hospital","phone":"555-1","address":"1 Main St"},{"name":"B","phone":"2"}]""")]
    // The name is only bold, with and without a colon.
    [InlineData("1. **City Hospital**\n   - **Phone:** 555-1\n2. **Police:**\n   - **Phone:** 555-2", """[{"name":"City Hospital","phone":"555-1"},{"name":"Police","phone":"555-2"}]""")]
    // Every label a bullet of its own.
    [InlineData("- **Name:** A\n- **Phone:** 1\n\n- **Name:** B\n- **Phone:** 2", """[{"name":"A","phone":"1"},{"name":"B","phone":"2"}]""")]
    [InlineData("- **Name:** A\n- **Phone:** 1", """{"name":"A","phone":"1"}""")]
    // On one line.
    [InlineData("- **Name:** A | **Phone:** 1\n- **Name:** B, **Phone:** 2", """[{"name":"A","phone":"1"},{"name":"B","phone":"2"}]""")]
    [InlineData("- City Hospital — **Phone:** 1\n- Police - **Phone:** 2", """[{"name":"City Hospital","phone":"1"},{"name":"Police","phone":"2"}]""")]
    // Paragraphs instead of lists.
    [InlineData("**Name:** A\n**Phone:** 1\n\n**Name:** B\n**Phone:** 2", """[{"name":"A","phone":"1"},{"name":"B","phone":"2"}]""")]
    [InlineData("**City Hospital**\n\n- **Phone:** 1\n- **Hours:** all day\n\n**Police**\n\n- **Phone:** 2", """[{"name":"City Hospital","phone":"1","hours":"all day"},{"name":"Police","phone":"2"}]""")]
    [InlineData("**City Hospital**\n**Phone:** 1\n\n**Police**\n**Phone:** 2", """[{"name":"City Hospital","phone":"1"},{"name":"Police","phone":"2"}]""")]
    // Subheadings.
    [InlineData("### Hospitals\n- **Name:** A\n  **Phone:** 1\n### Police & Fire\n- **Name:** B\n  **Phone:** 2", """{"hospitals":[{"name":"A","phone":"1"}],"police_fire":[{"name":"B","phone":"2"}]}""")]
    // Lists of texts, and what a model says around them.
    [InlineData("- one\n- **two** parts\n- `three`", """["one","two parts","three"]""")]
    [InlineData("Here they are:\n\n1. one\n2. two\n\nStay safe!", """["one","two"]""")]
    [InlineData("- Water\n  - 2 liters\n  - clean\n- Food", """[{"text":"Water","items":["2 liters","clean"]},"Food"]""")]
    [InlineData("- **Name:** A\n  **Steps:**\n  - go\n  - wait", """[{"name":"A","steps":["go","wait"]}]""")]
    // Tables and JSON.
    [InlineData("Some words.\n\n| Name | Phone No. |\n|---|---|\n| A | **1** |\n| B | 2 |", """[{"name":"A","phone_no":"1"},{"name":"B","phone_no":"2"}]""")]
    [InlineData("```json\n{\"a\": [1, 2,]}\n```", """{"a":[1,2]}""")]
    [InlineData("```json\n{broken\n```", "\"```json\\n{broken\\n```\"")]
    // Text.
    [InlineData("Call **911** first.\n\nThen wait.", "\"Call **911** first.\\n\\nThen wait.\"")]
    [InlineData("", "null")]
    // Links.
    [InlineData("- **Phone:** [555-1](tel:555-1)\n  **Web:** [City Hospital](https://h.org)\n  **Map:** <https://m.org>", """[{"phone":"555-1","web":"City Hospital (https://h.org)","map":"https://m.org"}]""")]
    public void Section_ModelOutput_GivesValue(string body, string expected)
    {
        string text = $"Sure! Here is your list.\n\n# Plan\n\n## Emergency Contacts\n\n{body}\n\n## Meeting Locations\n\nHome";

        AssertJson($$"""{"contacts": {{expected}}, "places": "Home"}""", Markdown(text, TwoSections));
        AssertJson($$"""{"contacts": {{expected}}, "places": "Home"}""", Markdown(text.ReplaceLineEndings("\r\n"), TwoSections));
    }

    [Theory]
    [InlineData("## Emergency Contacts\nA\n## Meeting Locations\nB")]
    [InlineData("# 1. 🚨 EMERGENCY CONTACTS:\nA\n### 2) Meeting points\nB")]
    [InlineData("**Emergency Contacts**\n\nA\n\n**Meeting Locations:**\n\nB")]
    [InlineData("Emergency contacts:\n\nA\n\nMeeting locations:\n\nB")]
    [InlineData("Emergency Contacts\n==================\nA\n\nMeeting Locations\n-----------------\nB")]
    [InlineData("# Emergency Contacts and Meeting Locations\nintro\n## Local Emergency Contacts for Reno\nA\n## Your Meeting Location\nB")]
    [InlineData("### Meeting Locations\nB\n### Emergency Contacts\nA\n### Notes\nC")]
    [InlineData("```markdown\n## Emergency Contacts\nA\n## Meeting Locations\nB\n```")]
    [InlineData("## Emergency Contacts ##\n\nA\n\n---\n\n## *Meeting* Locations\nB\n\n---\n")]
    public void Headings_LooselyWritten_AreFound(string text) => AssertJson("""{"contacts": "A", "places": "B"}""", Markdown(text, TwoSections));

    [Theory]
    [InlineData("Nothing here.", """{"contacts": null, "places": null}""")]
    [InlineData("", """{"contacts": null, "places": null}""")]
    [InlineData("## Emergency Contacts\n- A\n## Other\nx\n## Emergency Contacts\n- B", """{"contacts": ["A", "B"], "places": null}""")]
    [InlineData("## Emergency Contacts\nA\n# Next\nx", """{"contacts": "A", "places": null}""")]
    [InlineData("## Emergency Contacts\n\nCall Ann\n---\n\n- B", """{"contacts": ["B"], "places": null}""")]
    public void Sections_MissingRepeatedOrEnded_AreHandled(string text, string expected) => AssertJson(expected, Markdown(text, TwoSections));

    [Fact]
    public void Section_LongProseWithBullets_StaysText()
    {
        string prose = string.Concat(Enumerable.Repeat("This is a sentence of the summary. ", 10)).Trim();

        JsonElement value = Markdown($"## Emergency Contacts\n{prose}\n\n- a\n- b", TwoSections);

        Assert.Equal($"{prose}\n\n- a\n- b", value.GetProperty("contacts").GetString());
    }

    [Theory]
    [InlineData("Hi\n# The Plan\n## Day 1\n- a\n## Day 1\nb\n## \n", "{}", """{"preamble": "Hi", "the_plan": null, "day_1": ["a"], "day_1_2": "b", "section": null}""")]
    [InlineData("# The Plan:\n- **Day One:** x\n  **Day Two:** y", """{"keys": "as_is"}""", """{"The Plan": [{"Day One": "x", "Day Two": "y"}]}""")]
    [InlineData("no heading", "{}", """{"preamble": "no heading"}""")]
    [InlineData("# Übersicht & Pläne\nx", "{}", """{"übersicht_pläne": "x"}""")]
    public void Apply_WithoutSections_TakesEveryHeading(string text, string parameters, string expected) => AssertJson(expected, Markdown(text, parameters));

    [Fact]
    public void Apply_OutputOfLlmStep_ReadsContent() =>
        AssertJson("""{"a": "b"}""", Apply("markdown_to_json", """{"content": "# A\nb", "model": "m"}""", "{}"));

    [Theory]
    [InlineData("3", "{}", "needs text as input")]
    [InlineData("""{"data": 1}""", "{}", "needs text as input")]
    [InlineData("\"x\"", """{"keys": "camel"}""", "'keys' must be")]
    [InlineData("\"x\"", """{"sections": []}""", "'sections' must be")]
    [InlineData("\"x\"", """{"sections": {"a": 1}}""", "section 'a' must be")]
    public void Apply_Wrong_NamesOperationStepAndValue(string input, string parameters, string message)
    {
        WorkflowException exception = Assert.Throws<WorkflowException>(() => Apply("markdown_to_json", input, parameters));

        Assert.Contains($"Transform 'markdown_to_json' in step 'my_step': ", exception.Message, StringComparison.Ordinal);
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
        Assert.Equal(ErrorTypes.TransformError, exception.Error.Type);
    }

    [Theory]
    [InlineData("## 1. Executive Summary\nx\n## 🎯 2) Next Steps\ny\n## 2024 Goals\nz\n## 3.1. Sub\nw", """{"executive_summary": "x", "next_steps": "y", "2024_goals": "z", "sub": "w"}""")]
    [InlineData("Hello!\n\n**Risk Assessment**\n\nHigh.\n\n**Next Steps:**\n\n1. go\n2. wait", """{"preamble": "Hello!", "risk_assessment": "High.", "next_steps": ["go", "wait"]}""")]
    [InlineData("Plan\n====\n\nx\n\nDay 1\n-----\n\n- a", """{"plan": "x", "day_1": ["a"]}""")]
    [InlineData("# T\n**Bold line**\n\nmore words", """{"t": "**Bold line**\n\nmore words"}""")]
    [InlineData("# T\n| A | B\\|b | A |\n|:--|:-:|--:|\n| 1 | x\\|y | 3 |\n| 4 |\n| 5 | 6 | 7 | 8 |", """{"t": [{"a": "1", "b_b": "x|y", "a_3": "3", "column_4": ""}, {"a": "4", "b_b": "", "a_3": "", "column_4": ""}, {"a": "5", "b_b": "6", "a_3": "7", "column_4": "8"}]}""")]
    [InlineData("# T\nSee below.\n\n```json\n{\"a\": 1}\n```\nThat is all.", """{"t": {"a": 1}}""")]
    public void Apply_WithoutSections_ReadsLooseHeadingsAndTables(string text, string expected) => AssertJson(expected, Markdown(text, "{}"));

    [Fact]
    public void Apply_HeadingThatComesOften_IsNumberedWithoutGaps() => Assert.Equal(
        ["a", .. Enumerable.Range(2, 499).Select(number => $"a_{number}")],
        Markdown(string.Concat(Enumerable.Repeat("# A\nx\n", 500)), "{}").EnumerateObject().Select(section => section.Name));

    [Fact]
    public void Apply_RandomText_NeverThrows()
    {
        Gen<string> piece = Gen.Elements(
            "# ", "## ", "Emergency Contacts", "Meeting Locations", "\n", "\n\n", "\r\n", "- ", "  - ", "1. ", "**", "**Name:** ", "**Phone**: ", ":", "| a | b |\n|---|---|\n",
            "| c |", "```json\n", "```", "{\"a\":1}", "---", "===", "[x](y)", "<br>", "&amp;", "> ", "\t", "    ", "é🚨", "text", "*", "_", "`", "\0", "[", "]", "(", "\\");
        Prop.ForAll(Gen.ListOf(piece).Select(string.Concat).ToArbitrary(), text =>
        {
            Assert.Equal(2, Markdown(text, TwoSections).EnumerateObject().Count());
            Assert.Equal(JsonValueKind.Object, Markdown(text, "{}").ValueKind);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000).WithEndSize(200));
    }
}
