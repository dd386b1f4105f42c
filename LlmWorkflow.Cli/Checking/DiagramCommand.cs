using System.CommandLine;
using LlmWorkflow.Engine.Definitions;

namespace LlmWorkflow.Cli.Checking;

/// <summary><c>llmflow diagram</c>.</summary>
internal static class DiagramCommand
{
    public static Command Create(CliHost host)
    {
        var name = host.WorkflowArgument();
        var output = OutputFile.Option();
        var json = CliHost.JsonOption();
        var command = new CliCommand(
            "diagram",
            "Draw a workflow as a Mermaid flowchart.",
            "llmflow diagram emergency_contacts",
            "llmflow diagram emergency_contacts --output emergency_contacts.mmd")
        { name, output, json };
        command.SetAction((arguments, cancellationToken) =>
        {
            var workflow = new WorkflowTrees(host, arguments).Load(arguments.GetRequiredValue(name)).Workflow;
            var diagram = MermaidDiagram.Of(workflow.Definition);
            var text = !arguments.GetValue(json) ? diagram : CliJson.Text(writer =>
            {
                writer.WriteStartObject();
                writer.WriteString("workflow", workflow.Definition.Name);
                writer.WriteString("version", workflow.Definition.Version);
                writer.WriteString("hash", workflow.Hash);
                writer.WriteString("mermaid", diagram);
                writer.WriteEndObject();
            });
            return OutputFile.WriteAsync(host, arguments.GetValue(output), text, cancellationToken);
        });
        return command;
    }
}
