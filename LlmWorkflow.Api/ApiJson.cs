using System.Text.Encodings.Web;
using System.Text.Json;
using LlmWorkflow.Client.Contracts;

namespace LlmWorkflow.Api;

/// <summary>The contracts as this process writes them.</summary>
internal static class ApiJson
{
    /// <summary>Answers are JSON for parsers and people, never part of HTML: the default escapes would only make them long and hard to read.</summary>
    public static WorkflowJson Wire { get; } = new(new JsonSerializerOptions(WorkflowJson.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
