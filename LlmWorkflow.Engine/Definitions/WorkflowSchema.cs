using LlmWorkflow.Engine.Definitions.Language;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>The JSON Schema of workflow files, for editors: made from the table that the validator checks with.</summary>
public static class WorkflowSchema
{
    private static readonly Lazy<string> s_json = new(SchemaWriter.Write);

    /// <summary>The schema (draft 07) as indented JSON, as it stands in <c>workflows/workflow.schema.json</c>.</summary>
    public static string ToJson() => s_json.Value;
}
