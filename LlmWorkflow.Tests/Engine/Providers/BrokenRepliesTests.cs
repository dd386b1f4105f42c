using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Expressions;
using LlmWorkflow.Engine.Providers;
using Xunit.Abstractions;

namespace LlmWorkflow.Tests.Engine.Providers;

/// <summary>A hundred replies, broken as models break them: how many are mended for free, and that none passes which is not what was asked for.</summary>
public sealed partial class BrokenRepliesTests(ITestOutputHelper output)
{
    private static readonly JsonElement Schema = JsonElement.Parse("""
        {
          "type": "object", "required": ["title", "tags", "score", "done", "parts"], "additionalProperties": false,
          "properties": {
            "title": { "type": "string" }, "tags": { "type": "array", "items": { "type": "string" } }, "score": { "type": ["number", "null"] },
            "done": { "type": "boolean" }, "parts": { "type": "array", "items": { "type": "object", "required": ["name"], "properties": { "name": { "type": "string" }, "n": { "type": "integer" } } } }
          }
        }
        """);

    private static readonly string[] Titles =
    [
        "Evacuation plan", "Ada's notes", "Zürich – Überblick", "A: b, c", "100 % ready?", "Step one; step two", "He said so", "Two words", "Números", "Path /a/b",
    ];

    // Each breaks a good reply in one way; the number of the document picks a variant where there are several.
    private static readonly (string Kind, Func<string, int, string> Break)[] Kinds =
    [
        ("fence", (json, _) => $"```json\n{json}\n```"),
        ("fence within prose", (json, i) => $"Here is the result you asked for:\n\n```{(i % 2 == 0 ? "json" : "")}\n{json}\n```\n\nLet me know if you need anything else."),
        ("prose around", (json, i) => i % 2 == 0 ? $"Sure! Here it is:\n{json}" : $"{json}\n\nI hope this helps."),
        ("trailing commas", (json, _) => BeforeClose().Replace(json, ",$1")),
        ("single quotes", (json, _) => json.Replace('"', '\'')),
        // Brackets that are missing at the end are certain; a text that is cut off is not.
        ("cut off", (json, i) => i % 2 == 0 ? json.TrimEnd()[..^1] : json[..(json.LastIndexOf("name", StringComparison.Ordinal) + 10)]),
        ("comments", (json, i) => i % 2 == 0 ? json.Replace("{\n", "{ // the answer\n", StringComparison.Ordinal) : json.Replace("\"tags\"", "/* labels */ \"tags\"", StringComparison.Ordinal)),
        ("NaN", (json, _) => Score().Replace(json, "\"score\": NaN")),
        ("words of Python", (json, _) => json.Replace("true", "True", StringComparison.Ordinal).Replace("false", "False", StringComparison.Ordinal).Replace("null", "None", StringComparison.Ordinal)),
        ("names without quotes", (json, _) => Name().Replace(json, "$1:")),
    ];

    [Fact]
    public void Check_AHundredBrokenReplies_MendsNineOfTenAndLetsNothingWrongPass()
    {
        var check = ReplyCheck.Of(new LlmJsonFormat(Schema));
        var (mended, all) = (0, 0);
        foreach (var (kind, breaks) in Kinds)
        {
            var usable = 0;
            for (var i = 0; i < Titles.Length; i++)
            {
                var good = Document(i);
                var broken = breaks(good.ToJsonString(new JsonSerializerOptions { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }), i);
                var read = check.Check(Reply(broken));
                all++;
                if (read.Issues.Count > 0)
                {
                    continue;
                }

                usable++;
                Assert.Empty(JsonSchemaCheck.Compile(Schema).Validate(read.Json));
                if (kind == "NaN")
                {
                    good["score"] = null;
                }

                // Mended means: what the model meant, not something else that fits the schema too.
                Assert.True(JsonNode.DeepEquals(good, JsonNode.Parse(read.Json.GetRawText())), $"{kind}: {broken}");
            }

            mended += usable;
            output.WriteLine($"{kind}: {usable} of {Titles.Length}");
        }

        output.WriteLine($"mended for free: {mended} of {all}");
        Assert.Equal(100, all);
        Assert.InRange(mended, 90, 100);
    }

    private static JsonObject Document(int i) => new()
    {
        ["title"] = Titles[i],
        ["tags"] = new JsonArray([.. Enumerable.Range(0, i % 4).Select(n => (JsonNode)$"tag {n}")]),
        ["score"] = i % 3 == 0 ? null : (i * 1.25) - 3,
        ["done"] = i % 2 == 0,
        ["parts"] = new JsonArray([.. Enumerable.Range(0, 1 + (i % 3)).Select(n => (JsonNode)new JsonObject { ["name"] = $"part {n}", ["n"] = n })]),
    };

    private static LlmReply Reply(string text) => new() { Content = text, Provider = "p", Model = "m", FinishReason = "stop", Usage = new TokenUsage() };

    [GeneratedRegex(@"(?<=[^\[{\s])(\s*[}\]])")]
    private static partial Regex BeforeClose();

    [GeneratedRegex(@"""score"": [^,]+")]
    private static partial Regex Score();

    [GeneratedRegex(@"""(\w+)"":")]
    private static partial Regex Name();
}
