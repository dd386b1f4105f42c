using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using LlmWorkflow.Engine.Transforms;
using static LlmWorkflow.Tests.Engine.Transforms.TestTransform;

namespace LlmWorkflow.Tests.Engine.Transforms;

public sealed class JsonTransformTests
{
    [Theory]
    [InlineData("""{"a": 1}""", """{"a": 1}""")]
    [InlineData("  [1]\n", "[1]")]
    [InlineData("42", "42")]
    [InlineData("\"a\"", "\"a\"")]
    [InlineData("\uFEFF{}", "{}")]
    [InlineData("Sure! Here it is:\n\n```json\n{\"a\": [1, 2]}\n```\n\nLet me know [1] if {that} helps.", """{"a": [1, 2]}""")]
    [InlineData("```\n[1, 2]\n```", "[1, 2]")]
    [InlineData("```JSON\r\n{\"a\": \"x\\n```y\"}\r\n```", """{"a": "x\n```y"}""")]
    [InlineData("```json\n{\"a\": 1}", """{"a": 1}""")]
    [InlineData("Use {name} as in [1]: {\"a\": {\"b\": \"}\"}} and so on.", """{"a": {"b": "}"}}""")]
    [InlineData("Small {\"a\": 1}, then {\"a\": 1, \"b\": 2}.", """{"a": 1, "b": 2}""")]
    [InlineData("```python\nx = {}\n```\n```json\n{\"a\": 1}\n```", """{"a": 1}""")]
    // Mended.
    [InlineData("{\"a\": [1, 2,],}", """{"a": [1, 2]}""")]
    [InlineData("{'a': 'it\\'s \"x\"', b_2: None, c: True, d: NaN, e: -Infinity}", """{"a": "it's \"x\"", "b_2": null, "c": true, "d": null, "e": null}""")]
    [InlineData("{\n  // one\n  \"a\": 1, /* two */ \"b\": 2 # three\n}", """{"a": 1, "b": 2}""")]
    [InlineData("{“a”: “b\"c”}", """{"a": "b\"c"}""")]
    [InlineData("{\"a\": \"line one\nline two\t.\"}", """{"a": "line one\nline two\t."}""")]
    [InlineData("{\"a\": \"C:\\dir \\(x\\)\"}", """{"a": "C:\\dir \\(x\\)"}""")]
    [InlineData("{\"a\": [{\"b\": \"c\"}, {\"d\": true", """{"a": [{"b": "c"}, {"d": true}]}""")]
    [InlineData("{\"a\": [.5, +1, -.5]}", """{"a": [0.5, 1, -0.5]}""")]
    [InlineData("{\"a\": \"\\u0000\\ud83d\\ud83d\\ude00\\u0022\\u000a\"}", """{"a": "\ufffd\ufffd😀\"\n"}""")]
    [InlineData("```json\n{\"a\": [1, 2\n```", """{"a": [1, 2]}""")]
    public void ParseJson_ModelOutput_IsFound(string text, string expected) => AssertJson(expected, ApplyToText("parse_json", text, "{}"));

    [Theory]
    [InlineData("Sorry, I cannot help with that.")]
    [InlineData("")]
    [InlineData("See [1] and [ ] or {}.")]
    [InlineData("{\"a\": \"cut off in the mid")]
    [InlineData("{\"a\": [1, 2")]
    [InlineData("{\"a\": 1,")]
    [InlineData("{\"a\":")]
    [InlineData("{\"a\"")]
    [InlineData("{")]
    [InlineData("{\"a\": \"he said \"no\" to it\"}")]
    [InlineData("{\"a\": {\"x\": 1} \"b\": 2}")]
    [InlineData("{\"a\": 007}")]
    [InlineData("{\"a\": 1, ...}")]
    [InlineData("{\"a\": tbd, \"b\": [1, 2, 3]}")]
    [InlineData("None")]
    public void ParseJson_NothingCertain_IsRefused(string text) =>
        Assert.Contains("there is no JSON in the text, or it is broken", Fails(() => ApplyToText("parse_json", text, "{}"), "parse_json").Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("""{"type": "object", "required": ["a"]}""", null)]
    [InlineData("""{"type": "object", "required": ["b"]}""", "the JSON does not fit 'schema': /b is required")]
    [InlineData("""{"properties": {"a": {"type": "string"}}}""", "/a must be a string")]
    [InlineData("[1]", "'schema' must be a JSON Schema")]
    [InlineData("""{"$ref": "http://localhost/x.json"}""", "'$ref' may only point into the schema itself")]
    public void ParseJson_Schema_IsChecked(string schema, string? message)
    {
        JsonElement Parse() => ApplyToText("parse_json", """Here: {"a": 1}""", $$"""{"schema": {{schema}}}""");
        if (message is null)
        {
            AssertJson("""{"a": 1}""", Parse());
        }
        else
        {
            Assert.Contains(message, Fails(Parse, "parse_json").Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void ParseJson_OutputOfLlmStep_ReadsContent() => AssertJson("""{"a": 1}""", Apply("parse_json", """{"content": "{\"a\": 1}"}""", "{}"));

    [Fact]
    public void ParseJson_NoText_IsRefused() =>
        Assert.Contains("needs text as input", Fails(() => Apply("parse_json", "[1]", "{}"), "parse_json").Message, StringComparison.Ordinal);

    [Fact]
    public void Find_RandomJsonInProse_IsFoundUnchanged() => Prop.ForAll(RandomJson.Objects(), Gen.Elements("", "Sure: ", "```json\n", "see [1] {x}\n").ToArbitrary(), (value, before) =>
    {
        FoundJson? found = JsonInText.Find($"{before}{value.GetRawText()}{(before.StartsWith('`') ? "\n```" : "\n\nBye.")}");
        if (value.EnumerateObject().Any() || before.StartsWith('`'))
        {
            Assert.False(found!.IsMended);
            AssertJson(value.GetRawText(), found.Value);
        }
    }).Check(RandomJson.Config);

    [Fact]
    public void Find_JsonCutAnywhere_NeverGivesOtherScalars() => Prop.ForAll(RandomJson.Objects(), Gen.Choose(0, 200).ToArbitrary(), (value, length) =>
    {
        string json = value.GetRawText();
        HashSet<string> scalars = [.. Scalars(value)];
        if (JsonInText.Find(json[..Math.Min(length, json.Length)]) is { } found)
        {
            Assert.All(Scalars(found.Value), scalar => Assert.Contains(scalar, scalars));
        }
    }).Check(RandomJson.Config);

    [Fact]
    public void Find_RandomText_NeverThrows()
    {
        Gen<string> piece = Gen.Elements("{", "}", "[", "]", ",", ":", "\"", "'", "\"a\"", "1", "-", ".", "e5", "true", "None", "\\", "\\u", "d83d", "//", "/*", "*/", "#", "\n", " ", "```", "json", "“", "”", "\0");
        Prop.ForAll(Gen.ListOf(piece).Select(string.Concat).ToArbitrary(), text =>
        {
            if (JsonInText.Find(text) is { } found)
            {
                Assert.NotEqual(JsonValueKind.Undefined, found.Value.ValueKind);
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(3000).WithEndSize(60));
    }

    [Theory]
    [InlineData("""{"a": 1, "b": 2, "c": {"a": 3}}""", """{"fields": ["c", "x", "a"]}""", """{"c": {"a": 3}, "a": 1}""")]
    [InlineData("""{"a": 1, "b": 2}""", """{"omit": ["a", "x"]}""", """{"b": 2}""")]
    [InlineData("""[{"a": 1, "b": 2}, {"b": 3}]""", """{"fields": ["a"]}""", """[{"a": 1}, {}]""")]
    [InlineData("""[{"a": 1, "b": 2}, {"b": 3}]""", """{"omit": "${input.tags}"}""", "[{}, {}]")]
    [InlineData("[]", """{"fields": ["a"]}""", "[]")]
    [InlineData("{}", """{"fields": []}""", "{}")]
    public void Pick_Fields_AreKeptOrDropped(string input, string parameters, string expected) => AssertJson(expected, Apply("pick", input, parameters));

    [Theory]
    [InlineData("3", """{"fields": ["a"]}""", "'pick' needs an object, or an array of objects, as input; it is 3")]
    [InlineData("[3]", """{"fields": ["a"]}""", "it is 3")]
    [InlineData("{}", "{}", "either 'fields' or 'omit' must be given")]
    [InlineData("{}", """{"fields": [], "omit": []}""", "either 'fields' or 'omit' must be given")]
    [InlineData("{}", """{"fields": "a"}""", "'fields' must be a list of field names; it is \"a\"")]
    public void Pick_Wrong_NamesOperationStepAndValue(string input, string parameters, string message) =>
        Assert.Contains(message, Fails(() => Apply("pick", input, parameters), "pick").Message, StringComparison.Ordinal);

    [Fact]
    public void Pick_FieldsAndOmit_AreComplementary() => Prop.ForAll(RandomJson.Objects(), Gen.SubListOf("a", "b", "c", "x").ToArbitrary(), (value, names) =>
    {
        string list = JsonSerializer.Serialize(names);
        JsonElement picked = Apply("pick", value, $$"""{"fields": {{list}}}""");
        JsonElement rest = Apply("pick", value, $$"""{"omit": {{list}}}""");

        Assert.Empty(picked.EnumerateObject().Select(property => property.Name).Intersect(rest.EnumerateObject().Select(property => property.Name)));
        AssertJson(value.GetRawText(), Apply("merge", $"[{picked.GetRawText()}, {rest.GetRawText()}]", "{}"));
    }).Check(RandomJson.Config);

    private static IEnumerable<string> Scalars(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => value.EnumerateObject().SelectMany(property => Scalars(property.Value)),
        JsonValueKind.Array => value.EnumerateArray().SelectMany(Scalars),
        JsonValueKind.String => ["\"" + value.GetString()],
        _ => [value.GetRawText()],
    };
}
