using System.Globalization;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Definitions.Language;
using LlmWorkflow.Engine.Execution;
using LlmWorkflow.Engine.Expressions;
using LlmWorkflow.Engine.Prompts;
using LlmWorkflow.Engine.Steps;
using LlmWorkflow.Engine.Submission;
using LlmWorkflow.Engine.Transforms;

namespace LlmWorkflow.Tests.Docs;

/// <summary>The parts of docs/workflows.md that are made from the language's tables, by the name of their marker.</summary>
internal static class WorkflowReference
{
    private static readonly (string Name, ObjectShape Shape)[] s_steps =
    [
        ("llm", LlmShapes.Step), ("external_api", SimpleShapes.ExternalApi), ("transform", TransformShapes.Row), ("conditional", CompositeShapes.Condition),
        ("conditional with cases", CompositeShapes.Cases), ("parallel", CompositeShapes.Parallel), ("foreach", CompositeShapes.Foreach),
        ("workflow", CompositeShapes.Workflow), ("wait", SimpleShapes.Wait), ("approval", SimpleShapes.Approval),
    ];

    /// <summary>Every part.</summary>
    public static IReadOnlyDictionary<string, string> Parts { get; } = All().ToDictionary(part => part.Name, part => part.Text);

    private static IEnumerable<(string Name, string Text)> All()
    {
        yield return ("workflow", PropertyTable.Of(WorkflowShapes.Workflow.Properties));
        yield return ("every step", PropertyTable.Of(CommonShapes.Properties));
        foreach (var (name, shape) in s_steps)
        {
            yield return ($"step {name}", PropertyTable.Of([.. shape.Properties.Where(p => p.Name != "type" && !CommonShapes.Properties.Contains(p))]));
        }

        yield return ("functions", Functions());
        foreach (var transform in TransformCatalog.All)
        {
            yield return ($"transform {transform.Name}", Transform(transform));
        }

        yield return ("limits", Limits());
    }

    private static string Functions() => PropertyTable.Table(
        ["Function", "Gives", "Example"],
        ExpressionFunctions.All.Select(f => new[] { $"`{f.Signature}`", f.Summary, $"`{f.Example}` → `{f.Result}`" }));

    // The shape has the step's common properties too; a member of 'operations' has only its own.
    private static string Transform(Transform transform)
    {
        var shape = TransformShapes.FindOperation(transform.Name)!;
        var rule = transform.ExactlyOneOf.Count > 0 ? $" Exactly one of {string.Join(" and ", transform.ExactlyOneOf.Select(name => $"`{name}`"))} must be given." : "";
        return $"{transform.Doc}. Input: {transform.Input}.{rule}\n\n"
            + PropertyTable.Of([.. shape.Properties.Where(p => p.Name is not ("operation" or "input"))]);
    }

    private static string Limits() => PropertyTable.Table(
        ["What", "Limit"],
        [
            ["Definition file", Bytes(DefinitionValidator.MaxBytes)],
            ["Steps in a file, nested ones included", Number(WorkflowShapes.MaxSteps)],
            ["Lists of steps inside each other", Number(WorkflowShapes.MaxNesting)],
            ["Workflows inside each other", Number(WorkflowStepDefinition.MaxDepth)],
            ["Items of a `foreach`", Number(ForeachStepDefinition.MaxItems)],
            ["Steps that a job runs, all iterations counted", Number(RunState.MaxSteps)],
            ["Output of a step, as JSON", Bytes(StepOutput.MaxBytes)],
            ["Payload of a signal", Bytes(JobSignals.MaxPayloadBytes)],
            ["Signals of a job", Number(JobSignals.MaxSignals)],
            ["Expression: length", $"{Number(ExpressionParser.MaxLength)} characters"],
            ["Expression: nesting, and longest path or chain of operators", Number(ExpressionParser.MaxDepth)],
            ["Expression: work (a part of it, an item or 256 characters of text is one step)", $"{Number(Evaluation.MaxWork)} steps"],
            ["Expression: value that it makes", $"{Number(Evaluation.MaxSize)} characters, {Number(Evaluation.MaxItems)} items"],
            ["Pattern of `matches`", $"{Number(ExpressionPatterns.MaxLength)} characters, {Number((int)ExpressionPatterns.Timeout.TotalMilliseconds)} ms for a match"],
            ["Text or value with `${…}`, all put in", $"{Number(TemplateResolver.MaxSize)} characters"],
            ["Prompt file, and prompt with its includes", $"{Number(PromptLibrary.MaxLength)} characters"],
            ["Prompt files", Number(PromptLibrary.MaxFiles)],
            ["Includes in a prompt", $"{Number(PromptIncludes.MaxIncludes)}, {Number(PromptIncludes.MaxDepth)} deep"],
            ["Tags `{{…}}` in a prompt", $"{Number(PromptVariables.MaxTags)}, {Number(PromptVariables.MaxDepth)} deep"],
            ["Items that the loops of a prompt visit", Number(RenderBudget.MaxVisits)],
            ["Rendered prompt", $"{Number(RenderedText.MaxLength)} characters"],
            ["Transform: input and result, as JSON", $"{Bytes(TransformLimits.MaxBytes)}, {Number(TransformLimits.MaxItems)} items"],
            ["Pattern of `regex_extract`", $"{Number(RegexExtract.MaxPattern)} characters, {RegexExtract.MaxSeconds} s for all matches"],
        ]);

    private static string Number(int value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static string Bytes(int value) => value % (1024 * 1024) == 0 ? $"{Number(value / 1024 / 1024)} MiB" : $"{Number(value / 1024)} KiB";
}
