using System.Text.Json;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Transforms;

namespace LlmWorkflow.Tests.Docs;

/// <summary>Every example in docs/workflows.md works as it is shown.</summary>
public sealed class WorkflowsPageTests(SimulatedUpstreams upstreams) : IClassFixture<SimulatedUpstreams>
{
    // Anything else would be an example that no test looks at.
    private static readonly string[] Kinds = ["json input", "json output", "json step", "json transform", "json result", "json scope", "text expressions", "sh", "text listing"];

    [Fact]
    public void Page_ItsBlocks_AreOfAKindThatIsChecked() =>
        Assert.All(WorkflowsPage.Blocks, block => Assert.True(
            Kinds.Contains($"{block.Language} {block.Info}".Trim()) || block.IsFile("definitions/") || block.IsFile("prompts/") || block.IsFile("signal "), block.ToString()));

    [Fact]
    public async Task Page_ItsDefinitions_AreValidWithoutWarnings()
    {
        using var tree = WorkflowsPage.Tree();
        await using var run = new WorkflowRun(tree.Root, upstreams);
        var surroundings = run.Catalog.Surroundings;

        Assert.NotEmpty(WorkflowsPage.Definitions);
        Assert.All(WorkflowsPage.Definitions, definition =>
        {
            var issues = DefinitionValidator.Validate(definition.Block.Text, definition.Name, surroundings).Issues.Where(issue => issue.Severity != IssueSeverity.Info);
            Assert.True(!issues.Any(), $"{definition.Block}: {string.Join('\n', issues)}");
        });
    }

    /// <summary>Each definition is run with the input that the page gives it; where the page shows an output, that is what comes out.</summary>
    [Fact]
    public async Task Page_ItsDefinitions_RunAndGiveTheShownOutput()
    {
        using var tree = WorkflowsPage.Tree();
        await using var run = new WorkflowRun(tree.Root, upstreams);
        foreach (var definition in WorkflowsPage.Definitions)
        {
            var result = DefinitionValidator.Validate(definition.Block.Text, definition.Name, run.Catalog.Surroundings);
            var ended = await run.RunAsync(run.Catalog.Pin(result, definition.Block.Text), definition.Input, definition.Signals);

            Assert.True(ended.To == JobStatus.Completed, $"{definition.Block}: {ended.Error?.Message}");
            if (definition.Output is { } output)
            {
                AssertSame(output, ended.Result, definition.Block);
            }
        }
    }

    /// <summary>A step that is shown by itself is part of a definition that is shown whole.</summary>
    [Fact]
    public void Page_ItsSingleSteps_ArePartsOfItsDefinitions()
    {
        var all = WorkflowsPage.Definitions.SelectMany(definition => Objects(JsonElement.Parse(definition.Block.Text))).ToList();
        var steps = WorkflowsPage.Blocks.Where(block => block is { Language: "json", Info: "step" }).ToList();

        Assert.NotEmpty(steps);
        Assert.All(steps, step => Assert.True(all.Exists(one => JsonElement.DeepEquals(one, JsonElement.Parse(step.Text))), step.ToString()));
    }

    [Fact]
    public void Page_ItsExpressions_GiveTheShownValues()
    {
        var scope = Scope();
        var examples = WorkflowsPage.Blocks.Where(block => block.Info == "expressions")
            .SelectMany(block => block.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => (Block: block, Parts: line.Split('→', StringSplitOptions.TrimEntries))))
            .ToList();

        Assert.NotEmpty(examples);
        Assert.All(examples, example => Assert.Equal($"{example.Parts[0]} → {example.Parts[1]}", $"{example.Parts[0]} → {Shown(example.Parts[0], example.Parts[1], scope)}"));
    }

    [Fact]
    public void Page_ItsTransforms_GiveTheShownResults()
    {
        var scope = Scope();
        var examples = WorkflowsPage.Blocks.Zip(WorkflowsPage.Blocks.Skip(1)).Where(pair => pair.First.Info == "transform").ToList();

        Assert.Equal(TransformCatalog.All.Select(transform => transform.Name), examples.Select(pair => JsonElement.Parse(pair.First.Text).GetProperty("operation").GetString()).Distinct());
        Assert.All(examples, pair =>
        {
            var step = JsonElement.Parse(pair.First.Text);
            Assert.Equal("result", pair.Second.Info);
            AssertSame(pair.Second.Text, TransformCatalog.Apply(new("example", step.GetProperty("operation").GetString()!, step.GetProperty("input"), step) { Scope = scope }), pair.First);
        });
    }

    // The page shows an error by the word and says in prose what it is about.
    private static string Shown(string text, string expected, ExpressionScope scope)
    {
        try
        {
            var value = ExpressionEvaluator.Evaluate(ExpressionParser.Parse(text), scope);
            var result = value.ValueKind == JsonValueKind.Undefined ? "missing" : value.GetRawText();
            return value.ValueKind != JsonValueKind.Undefined && expected is not ("missing" or "error") && JsonElement.DeepEquals(JsonElement.Parse(expected), value) ? expected : result;
        }
        catch (Exception exception) when (exception is ExpressionSyntaxException or WorkflowException)
        {
            return "error";
        }
    }

    private static ExpressionScope Scope()
    {
        var scope = JsonElement.Parse(WorkflowsPage.Blocks.Single(block => block.Info == "scope").Text);
        return new()
        {
            Input = scope.GetProperty("input"),
            Context = scope.GetProperty("context").EnumerateObject().ToDictionary(entry => entry.Name, entry => entry.Value),
            Steps = scope.GetProperty("steps").EnumerateObject().ToDictionary(step => step.Name, step => new StepValue
            {
                Status = step.Value.GetProperty("status").GetString()!,
                Output = step.Value.TryGetProperty("output", out var output) ? output : default,
                Error = step.Value.TryGetProperty("error", out var error) ? error : default,
                DurationMs = 12,
            }),
        };
    }

    private static IEnumerable<JsonElement> Objects(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => value.EnumerateObject().SelectMany(property => Objects(property.Value)).Prepend(value),
        JsonValueKind.Array => value.EnumerateArray().SelectMany(Objects),
        _ => [],
    };

    private static void AssertSame(string expected, JsonElement actual, PageBlock block) =>
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse(expected), actual), $"{block}\nShown:  {expected}\nActual: {actual.GetRawText()}");
}
