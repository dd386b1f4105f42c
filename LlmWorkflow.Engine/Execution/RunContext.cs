using System.Text.Json;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Jobs;

namespace LlmWorkflow.Engine.Execution;

/// <summary>Values of <c>${context.NAME}</c>.</summary>
internal static class RunContext
{
    public static IReadOnlyDictionary<string, JsonElement> Of(JobIdentity job, WorkflowDefinition definition, DateTimeOffset now, int attempt)
    {
        // The file's own variables first: they cannot hide what the engine gives.
        var context = new Dictionary<string, JsonElement>(definition.Variables)
        {
            ["job_id"] = Text(job.JobId.ToString()),
            ["workflow_name"] = Text(job.WorkflowName),
            ["user_id"] = job.UserId is { } user ? Text(user.ToString()) : EngineJson.NullValue,
            ["username"] = job.Username is { } name ? Text(name) : EngineJson.NullValue,
            ["action"] = job.Action is { } action ? Text(action) : EngineJson.NullValue,
            ["attempt"] = JsonSerializer.SerializeToElement(attempt, EngineJson.Default.Int32),
            ["now"] = Text(now.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", System.Globalization.CultureInfo.InvariantCulture)),
        };
        return context;
    }

    private static JsonElement Text(string value) => JsonSerializer.SerializeToElement(value, EngineJson.Default.String);
}
