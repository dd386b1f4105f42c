namespace LlmWorkflow.Engine.Definitions.Language;

/// <summary>The top level of a definition.</summary>
internal static class WorkflowShapes
{
    /// <summary>Most steps in one file, nested ones included.</summary>
    public const int MaxSteps = 1000;

    /// <summary>Most lists of steps inside each other, the outermost not counted.</summary>
    public const int MaxNesting = 16;

    private static readonly ObjectShape s_concurrency = new(
        "a concurrency limit",
        [
            new("limit", new NumberShape(1, 10_000, true), "How many jobs run at once.") { IsRequired = true },
            new("key", Forms.Filled(TextUse.Key), "A bare expression over input and context; the limit counts for each of its values by itself. Without it, one limit for all."),
        ]);

    /// <summary>A whole file.</summary>
    public static ObjectShape Workflow { get; } = new(
        "a workflow",
        [
            new("$schema", new TextShape(), "Address of this schema, for editors."),
            new("name", Forms.Filled() with { Form = Forms.WorkflowName }, "Name of the workflow, equal to the file's name.") { IsRequired = true },
            new("version", new TextShape { Form = Forms.Version }, "Semantic version.") { Default = "\"1.0.0\"" },
            new("display_name", new TextShape(), "Name for end users; the name by default."),
            new("description", new TextShape(), "What the workflow does, for authors."),
            new("input_schema", new SchemaShape(IssueCodes.InvalidInputSchema), "JSON Schema of the input; jobs with another input are refused."),
            new("variables", new MapShape(new AnyShape(TextUse.Plain)), "Constants, reachable as ${context.NAME}."),
            new("timeout_seconds", Forms.Seconds(1, Forms.LongestTimeout), "Running time of the whole job in seconds; waiting is not counted.") { Default = "600" },
            new("max_cost_usd", new NumberShape(0, Forms.HighestCost), "Most that a job may cost, in USD."),
            new("on_budget", Forms.Choice("fail", "pause"), "What a used-up budget does: fail ends the job, pause parks it until the budget is raised.") { Default = "\"fail\"" },
            new("concurrency", s_concurrency, "How many jobs of this workflow run at once."),
            new("steps", new StepsShape(1), "The steps, in the order in which they run.") { IsRequired = true },
            new("output", new MapShape(new AnyShape()), "The workflow's output, with ${…}; the last step's output by default."),
        ])
    {
        Doc = "A workflow: steps that a job runs in order.",
    };
}
