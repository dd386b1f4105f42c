using System.Diagnostics;
using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Prompts;
using LlmWorkflow.Tests.Engine.Expressions;

namespace LlmWorkflow.Tests.Engine.Prompts;

public sealed class PromptLimitTests
{
    private static readonly Dictionary<string, JsonElement> s_variables = new()
    {
        ["list"] = JsonSerializer.SerializeToElement(Enumerable.Range(0, 1000)),
        ["object"] = JsonSerializer.SerializeToElement(Enumerable.Range(0, 1000).ToDictionary(i => $"k{i}")),
        ["text"] = JsonSerializer.SerializeToElement(new string('x', 100_000)),
        ["half"] = JsonElement.Parse("\"\\ud800\""),
    };

    [Theory]
    [InlineData("x", "more than 1000 includes")]
    [InlineData("", "more than 1000 includes")]
    public void RenderFile_IncludesThatDouble_AreCutOff(string leaf, string message)
    {
        Dictionary<string, string> prompts = new() { ["p0.md"] = leaf };
        for (int i = 1; i < 31; i++)
        {
            prompts[$"p{i}.md"] = $"{{{{include:p{i - 1}.md}}}}{{{{include:p{i - 1}.md}}}}";
        }

        Refused(() => PromptRenderer.RenderFile("p30.md", prompts, s_variables, TestScope.Standard), message);
    }

    [Fact]
    public void RenderFile_LongChain_IsCutOff()
    {
        Dictionary<string, string> prompts = Enumerable.Range(0, 50).ToDictionary(i => $"p{i}.md", i => $"{{{{include:p{i + 1}.md}}}}");

        Refused(() => PromptRenderer.RenderFile("p0.md", prompts, s_variables, TestScope.Standard), "nested deeper than 32");
    }

    [Theory]
    [InlineData("{{#each list}}{{#each @root.list}}{{#each @root.list}}{{#each @root.list}}{{/each}}{{/each}}{{/each}}{{/each}}", "visit more than 200000 items")]
    [InlineData("{{#each object}}{{#each @root.object}}{{#each @root.object}}{{/each}}{{/each}}{{/each}}", "visit more than 200000 items")]
    [InlineData("{{#each list}}{{@root.text}}{{/each}}", "rendered prompt is longer than 4194304")]
    [InlineData("{{half}}", "not valid Unicode")]
    public void RenderText_MuchWork_IsCutOff(string template, string message) => Refused(() => Render(template), message);

    [Theory]
    [InlineData("{{#if list}}", 4_000, "nested deeper than 64")]
    [InlineData("{{#each list}}", 65, "nested deeper than 64")]
    [InlineData("{{^list}}", 4_000, "nested deeper than 64")]
    [InlineData("{{list}}", 20_000, "more than 5000 tags")]
    [InlineData("{{", 200_000, "")]
    [InlineData("{{!--", 200_000, "")]
    [InlineData("{{!", 200_000, "")]
    [InlineData("{{include: ", 90_000, "")]
    [InlineData("x", 2_000_000, "longer than 1048576")]
    public void RenderText_PieceManyTimes_EndsInError(string piece, int count, string message) =>
        Refused(() => Render(string.Concat(Enumerable.Repeat(piece, count))), message);

    [Fact]
    public void RenderText_TagsThatNest_EndInError()
    {
        Refused(() => Render("{{#if list}}" + string.Concat(Enumerable.Repeat("{{else if text}}", 4000)) + "{{/if}}"), "nested deeper than 64");
        Refused(() => Render("{{lookup " + new string('(', 5000) + "list" + new string(')', 5000) + "}}"), "nested deeper than 64");
        Refused(() => Render("{{include:" + new string(' ', 1_000_000) + "x"), "");
    }

    private static string Render(string template) => PromptRenderer.RenderText(template, new Dictionary<string, string>(), s_variables, TestScope.Standard);

    private static void Refused(Func<string> render, string message)
    {
        long start = Stopwatch.GetTimestamp();

        WorkflowException exception = Assert.Throws<WorkflowException>(render);

        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
        Assert.Equal(ErrorTypes.PromptError, exception.Error.Type);
        Assert.InRange(Stopwatch.GetElapsedTime(start), TimeSpan.Zero, TimeSpan.FromMinutes(1));
    }
}
