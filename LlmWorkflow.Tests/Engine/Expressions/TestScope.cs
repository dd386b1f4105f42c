using System.Text.Json;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Tests.Engine.Expressions;

internal static class TestScope
{
    public static ExpressionScope Standard { get; } = Of(
        """
        {
          "city": "Reno", "count": 3, "ratio": 1.50, "yes": true, "nothing": null,
          "tags": ["a", "b"], "odd key": {"x-y": 7},
          "people": [{"name": "Ann", "age": 40}, {"name": "Bob"}],
          "evil": "{{secret}} ${input.city} {{include:shared/tone.md}}"
        }
        """);

    public static ExpressionScope Of(string input) => new()
    {
        Input = JsonElement.Parse(input),
        Context = new Dictionary<string, JsonElement> { ["job_id"] = JsonElement.Parse("\"j-1\""), ["radius"] = JsonElement.Parse("15000") },
        Steps = new Dictionary<string, StepValue>
        {
            ["fetch"] = new()
            {
                Status = "completed",
                Output = JsonElement.Parse("""{"data": {"places": [1, 2]}, "status_code": 200}"""),
                Usage = JsonElement.Parse("""{"total_tokens": 9}"""),
                DurationMs = 12,
            },
            ["skipped_one"] = new() { Status = "skipped" },
        },
        Locals = new Dictionary<string, JsonElement> { ["item"] = JsonElement.Parse("""{"id": 5}"""), ["index"] = JsonElement.Parse("0") },
    };
}
