namespace LlmWorkflow.Engine.Definitions.Language;

/// <summary>Steps with steps inside, and the <c>workflow</c> step.</summary>
internal static class CompositeShapes
{
    private const string Conditional = "Takes the first branch whose condition holds.";

    private static readonly ObjectShape s_case = new(
        "a case",
        [
            new("when", Forms.Filled(TextUse.Condition), "Condition, a bare expression.") { IsRequired = true },
            new("steps", new StepsShape(0), "What is done when it holds.") { IsRequired = true },
        ]);

    /// <summary>The <c>conditional</c> step with one condition.</summary>
    public static ObjectShape Condition { get; } = CommonShapes.Of(
        "conditional",
        Conditional,
        [
            new("condition", Forms.Filled(TextUse.Condition), "Condition, a bare expression.") { IsRequired = true },
            new("then", new StepsShape(0), "What is done when it holds.") { IsRequired = true },
            new("else", new StepsShape(0), "What is done when it does not hold."),
        ]) with
    {
        Title = "conditional step with a condition",
    };

    /// <summary>The <c>conditional</c> step with cases.</summary>
    public static ObjectShape Cases { get; } = CommonShapes.Of(
        "conditional",
        Conditional,
        [
            new("cases", new ListShape(s_case, 1, 100), "Tried in order.") { IsRequired = true },
            new("default", new StepsShape(0), "What is done when no case holds."),
        ]) with
    {
        Title = "conditional step with cases",
        Refused = new Dictionary<string, string>
        {
            ["condition"] = "'condition' and 'cases' exclude each other.",
            ["then"] = "'then' belongs to 'condition', not to 'cases'.",
            ["else"] = "'else' belongs to 'condition'; beside 'cases' it is called 'default'.",
        },
    };

    /// <summary>The <c>parallel</c> step.</summary>
    public static ObjectShape Parallel { get; } = CommonShapes.Of(
        "parallel",
        "Runs branches side by side.",
        [
            new("branches", new MapShape(new StepsShape(1)) { Names = Forms.BranchName, Least = 1, Most = 100 }, "The branches by name.") { IsRequired = true },
            new("max_concurrency", new NumberShape(1, 100, true), "Branches that run at once; all by default."),
            new("fail_fast", new FlagShape(), "Whether the first error stops the other branches.") { Default = "true" },
        ]);

    /// <summary>The <c>foreach</c> step.</summary>
    public static ObjectShape Foreach { get; } = CommonShapes.Of(
        "foreach",
        "Runs the same steps for each item of a list.",
        [
            new("items", Forms.Filled(TextUse.Expression), "A bare expression that gives the list.") { IsRequired = true },
            new("as", Forms.Filled() with { Form = Forms.ItemName }, "Name of the item in expressions, beside 'index'.") { Default = "\"item\"" },
            new("steps", new StepsShape(1), "What is done for each item.") { IsRequired = true },
            new("max_concurrency", new NumberShape(1, 100, true), "Items that are worked on at once.") { Default = "1" },
        ]);

    /// <summary>The <c>workflow</c> step.</summary>
    public static ObjectShape Workflow { get; } = CommonShapes.Of(
        "workflow",
        "Runs another workflow as a step.",
        [
            new("name", Forms.Filled() with { Form = Forms.WorkflowName }, "Name of the other workflow.") { IsRequired = true },
            new("input", new AnyShape(), "Its input; an empty object by default."),
        ]);
}
