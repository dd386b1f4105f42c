namespace LlmWorkflow.Engine.Definitions.Language;

/// <summary>What every step has.</summary>
internal static class CommonShapes
{
    private static readonly ObjectShape s_retry = new(
        "a retry policy",
        [
            new("max_attempts", new NumberShape(1, 20, true), "All attempts, the first included.") { Default = "3" },
            new("initial_delay_seconds", Forms.Seconds(0, 3600), "Seconds before the second attempt.") { Default = "1" },
            new("backoff_multiplier", new NumberShape(1, 10), "Growth of the delay per attempt.") { Default = "2" },
            new("max_delay_seconds", Forms.Seconds(0, 3600), "Longest delay in seconds.") { Default = "60" },
            new("jitter", new FlagShape(), "Whether delays are spread at random between half and all of their length.") { Default = "true" },
        ]);

    /// <summary>What every step has, besides <c>type</c>.</summary>
    public static IReadOnlyList<PropertyShape> Properties { get; } =
    [
        new("id", Forms.Filled() with { Form = Forms.StepId }, "Name of the step in expressions, unique in the file.") { IsRequired = true },
        new("display_name", new TextShape(), "Name for end users; the id by default."),
        new("description", new TextShape(), "What the step does, for authors."),
        new("when", Forms.Filled(TextUse.Condition), "Condition, a bare expression; when it is false the step is skipped."),
        new("timeout_seconds", Forms.Seconds(0.001m, Forms.LongestTimeout), "Running time of one attempt in seconds."),
        new("max_cost_usd", new NumberShape(0, Forms.HighestCost), "Most that the step may cost, in USD."),
        new("on_error", Forms.Choice("fail", "continue", "retry"), "What an error does: fail ends the job, continue goes on with 'default' as output, retry tries again and then fails.") { Default = "\"fail\"" },
        new("default", new AnyShape(), "The output when the step failed and on_error is continue."),
        new("retry", s_retry, "How often and when the step is tried again after a retryable error."),
    ];

    /// <summary>A kind of step.</summary>
    /// <param name="type">Its type.</param>
    /// <param name="doc">What it does, in a line.</param>
    /// <param name="own">Properties besides the common ones; one with the name of a common one takes its place.</param>
    /// <param name="without">Common properties that it does not have.</param>
    public static ObjectShape Of(string type, string doc, IReadOnlyList<PropertyShape> own, params IReadOnlyList<string> without) => new(
        $"{type} step",
        [
            Properties[0],
            new("type", Forms.Choice(type), doc) { IsRequired = true },
            .. own,
            .. Properties.Skip(1).Where(common => !without.Contains(common.Name) && own.All(property => property.Name != common.Name)),
        ])
    {
        Doc = doc,
    };
}
