using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Prompts;
using LlmWorkflow.Tests.Engine.Expressions;

namespace LlmWorkflow.Tests.Engine.Prompts;

public sealed class PromptRendererTests
{
    private static readonly Dictionary<string, string> s_prompts = new()
    {
        ["main.md"] = "Hello {{name}}!\n{{include:shared/tone.md}}\nEnd",
        ["shared/tone.md"] = "Be {{ include: shared/adjective.md }}.\n",
        ["shared/adjective.md"] = "kind to ${input.city}\n",
        ["a.md"] = "{{include:b.md}}",
        ["b.md"] = "{{include:a.md}}",
        ["bomb0.md"] = new string('x', 10_000),
    };

    [Theory]
    [InlineData("{{name}}", "Tom & <Jerry> \"x\"")]
    [InlineData("{{{name}}}", "Tom & <Jerry> \"x\"")]
    [InlineData("{{#each places}}{{@index}}:{{name}} {{/each}}", "0:A 1:B ")]
    [InlineData("{{#each tags}}{{this}},{{/each}}", "x,y,")]
    [InlineData("{{#each places as |place|}}{{place.name}}{{../name}}{{/each}}", "ATom & <Jerry> \"x\"BTom & <Jerry> \"x\"")]
    [InlineData("{{#each places}}{{#if phone}}{{phone}}{{else}}none {{/if}}{{/each}}", "none 555")]
    [InlineData("{{#if empty}}yes{{else}}no{{/if}}", "no")]
    [InlineData("{{#unless empty}}yes{{/unless}}", "yes")]
    [InlineData("{{#if zero}}yes{{else}}no{{/if}}", "no")]
    [InlineData("{{#if nothing}}yes{{else if tags}}tags{{/if}}", "tags")]
    [InlineData("{{#with place}}{{name}}{{/with}}", "C")]
    [InlineData("{{place.name}} {{place}}", "C {\"name\":\"C\"}")]
    [InlineData("{{places}}", "[{\"name\":\"A\"},{\"name\":\"B\",\"phone\":\"555\"}]")]
    [InlineData("{{ratio}} {{zero}} {{yes}} [{{nothing}}]", "1.50 0 true []")]
    [InlineData("{{! a comment on name }}x{{!-- {{y}} --}}", "x")]
    [InlineData("${input.city} {{#each tags}}${input.count}{{/each}}", "Reno 33")]
    [InlineData("$${input.city}", "${input.city}")]
    [InlineData("$5 \\{{name}}", "$5 {{name}}")]
    [InlineData("{{#each empty}}x{{/each}}", "")]
    [InlineData("{{#each empty}}x{{else}}none{{/each}}", "none")]
    [InlineData("{{#each place}}{{@key}}={{this}} {{/each}}", "name=C ")]
    [InlineData("{{#each places}}{{#each ../tags}}{{@index}}{{this}}{{../name}} {{/each}}{{/each}}", "0xA 1yA 0xB 1yB ")]
    [InlineData("{{#each tags}}{{#if @last}}{{this}}{{/if}}{{/each}}", "y")]
    [InlineData("{{places.[1].phone}} ${length(input.tags)}", "555 2")]
    [InlineData("${input.count > 2 ? 'many' : 'few'} ${ {a: '}'}.a }", "many }")]
    public void RenderText_Template_GivesText(string template, string expected) => Assert.Equal(expected, Render(template));

    [Fact]
    public void RenderFile_NestedIncludes_ArePutIn() =>
        Assert.Equal("Hello Tom & <Jerry> \"x\"!\nBe kind to Reno.\nEnd", PromptRenderer.RenderFile("main.md", s_prompts, Variables(), TestScope.Standard));

    [Theory]
    [InlineData("{{evil}}|${input.evil}")]
    [InlineData("{{#each wicked}}{{this}}{{/each}}|{{evil}}")]
    public void RenderText_ValuesWithBraces_AreNeverReadAsTemplates(string template)
    {
        const string Evil = "{{name}} ${input.city} {{include:main.md}} {{#each x}} {{{y}}} \\{{z";
        Dictionary<string, JsonElement> variables = Variables();
        variables["evil"] = JsonSerializer.SerializeToElement(Evil);
        variables["wicked"] = JsonSerializer.SerializeToElement(new[] { Evil });

        string text = PromptRenderer.RenderText(template, s_prompts, variables, TestScope.Of(JsonSerializer.Serialize(new { evil = Evil })));

        Assert.Equal($"{Evil}|{Evil}", text);
    }

    [Theory]
    [InlineData("{{nmae}}", "'nmae'", "'name'")]
    [InlineData("{{#if plces}}x{{/if}}", "'plces'", "'places'")]
    [InlineData("{{#each tags}}{{../nme}}{{/each}}", "'nme'", "'name'")]
    [InlineData("{{#each tags}}{{@root.nme}}{{/each}}", "'nme'", "'name'")]
    [InlineData("${input.cty}", "'cty'", "'city'")]
    [InlineData("{{include:shared/ton.md}}", "'shared/ton.md'", "'shared/tone.md'")]
    [InlineData("{{include:../secrets.md}}", "not a path inside prompts/", "")]
    [InlineData("{{include:/etc/passwd}}", "not a path inside prompts/", "")]
    [InlineData("{{include:C:/x.md}}", "not a path inside prompts/", "")]
    [InlineData("{{include:file:///etc/passwd}}", "not a path inside prompts/", "")]
    [InlineData("{{include:..\\x.md}}", "not a path inside prompts/", "")]
    [InlineData("{{include:./main.md}}", "not a path inside prompts/", "")]
    [InlineData("{{include:shared//tone.md}}", "not a path inside prompts/", "")]
    [InlineData("{{include:}}", "not a path inside prompts/", "")]
    [InlineData("{{include:%2e%2e/secrets.md}}", "There is no prompt '%2e%2e/secrets.md'", "")]
    [InlineData("{{include:..%2fsecrets.md}}", "There is no prompt '..%2fsecrets.md'", "")]
    [InlineData("{{include:．．/secrets.md}}", "There is no prompt '．．/secrets.md'", "")]
    [InlineData("{{include:shared/../../x.md}}", "not a path inside prompts/", "")]
    [InlineData("{{include:a.md}}", "a.md → b.md → a.md", "")]
    [InlineData("{{#each tags}}", "In the prompt", "")]
    [InlineData("{{#if name}}x{{/each}}", "In the prompt", "")]
    [InlineData("{{shout name}}", "'shout'", "")]
    [InlineData("{{> name}}", "In the prompt", "")]
    [InlineData("${input.city", "no closing '}'", "")]
    public void RenderText_Wrong_IsTypedErrorWithSuggestion(string template, string message, string suggestion)
    {
        WorkflowException exception = Assert.Throws<WorkflowException>(() => Render(template));

        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
        Assert.Contains(suggestion, exception.Message + string.Concat(exception.Error.Details?.Suggestions ?? []), StringComparison.Ordinal);
    }

    [Fact]
    public void RenderFile_IncludesThatMultiply_AreCutOff()
    {
        Dictionary<string, string> prompts = new(s_prompts);
        for (int i = 1; i <= 25; i++)
        {
            prompts[$"bomb{i}.md"] = $"{{{{include:bomb{i - 1}.md}}}}{{{{include:bomb{i - 1}.md}}}}";
        }

        WorkflowException exception = Assert.Throws<WorkflowException>(() => PromptRenderer.RenderFile("bomb25.md", prompts, Variables(), TestScope.Standard));

        Assert.Contains("longer than", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RenderText_ManyThreads_GiveTheirOwnText()
    {
        string[] texts = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => Task.Run(() => PromptRenderer.RenderText(
            $"{i % 5} {{{{value}}}}", s_prompts, new Dictionary<string, JsonElement> { ["value"] = JsonSerializer.SerializeToElement(i) }, TestScope.Standard))));

        Assert.Equal([.. Enumerable.Range(0, 200).Select(i => $"{i % 5} {i}")], texts);
    }

    private static string Render(string template) => PromptRenderer.RenderText(template, s_prompts, Variables(), TestScope.Standard);

    private static Dictionary<string, JsonElement> Variables() => JsonElement.Parse(
        """
        {
          "name": "Tom & <Jerry> \"x\"", "tags": ["x", "y"], "empty": [], "zero": 0, "ratio": 1.50, "yes": true, "nothing": null,
          "place": {"name": "C"}, "places": [{"name": "A"}, {"name": "B", "phone": "555"}]
        }
        """).EnumerateObject().ToDictionary(property => property.Name, property => property.Value);
}
