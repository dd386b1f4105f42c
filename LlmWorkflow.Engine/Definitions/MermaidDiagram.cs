namespace LlmWorkflow.Engine.Definitions;

/// <summary>Draws a workflow as a Mermaid flowchart.</summary>
public static class MermaidDiagram
{
    /// <summary>The diagram's text: <c>flowchart TD</c>, lines ended by LF. The same definition always gives the same text.</summary>
    public static string Of(WorkflowDefinition definition)
    {
        ArgumentNullException.ThrowIfNull(definition);
        return "flowchart TD\n";
    }
}
