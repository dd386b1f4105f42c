namespace LlmWorkflow.Engine.Definitions.Language;

/// <summary>Steps without steps inside, besides <c>llm</c> and <c>transform</c>.</summary>
internal static class SimpleShapes
{
    /// <summary>The <c>external_api</c> step.</summary>
    public static ObjectShape ExternalApi { get; } = CommonShapes.Of(
        "external_api",
        "Calls an external service.",
        [
            new("service", Forms.Filled(), "Name of a file under services/.") { IsRequired = true },
            new("operation", Forms.Filled(), "One of the service's operations.") { IsRequired = true },
            new("config", new MapShape(new AnyShape()), "The operation's parameters."),
            new("cache_ttl_seconds", new NumberShape(0, Forms.LongestCache, true), "How long an answer is kept, in seconds; 0: not at all; by default the service's own time."),
        ]);

    /// <summary>The <c>wait</c> step.</summary>
    public static ObjectShape Wait { get; } = CommonShapes.Of(
        "wait",
        "Waits; the worker is free meanwhile.",
        [
            new("seconds", new NumberShape(0, Forms.LongestWait) { OrTemplate = true }, "How long, in seconds."),
            new("until", Forms.Filled(TextUse.Template), "When to go on: a time such as \"2027-01-31T09:00:00Z\", or ${…} that gives one."),
        ],
        "timeout_seconds") with
    {
        AtLeastOneOf = ["seconds", "until"],
        AtMostOneOf = [["seconds", "until"]],
        Refused = new Dictionary<string, string> { ["timeout_seconds"] = "A 'wait' step has no 'timeout_seconds': it ends by itself." },
    };

    /// <summary>The <c>approval</c> step.</summary>
    public static ObjectShape Approval { get; } = CommonShapes.Of(
        "approval",
        "Waits for a signal: POST /api/v1/jobs/{id}/signals/{signal}; the worker is free meanwhile.",
        [
            new("signal", Forms.Filled(TextUse.Template) with { Form = Forms.Signal }, "Name of the signal; the step's id by default."),
            new("message", new TextShape(TextUse.Template), "What is asked, shown with the job while it waits."),
            new("timeout_seconds", Forms.Seconds(0.001m, Forms.LongestWait), "Longest wait in seconds; for ever by default."),
            new("on_timeout", Forms.Choice("fail", "continue"), "What the end of the wait does: fail ends the job, continue goes on with 'default' as output.") { Default = "\"fail\"" },
            new("default", new AnyShape(), "The output when nobody answered and on_timeout is continue, or when the step failed and on_error is continue."),
        ]);
}
