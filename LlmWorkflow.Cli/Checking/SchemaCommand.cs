using System.CommandLine;
using LlmWorkflow.Engine.Definitions;

namespace LlmWorkflow.Cli.Checking;

/// <summary><c>llmflow schema</c>.</summary>
internal static class SchemaCommand
{
    public static Command Create(CliHost host)
    {
        var output = OutputFile.Option();
        var command = new CliCommand(
            "schema", "Print the JSON Schema of workflow files, for editors.", "llmflow schema", "llmflow schema --output workflows/workflow.schema.json") { output };
        command.SetAction((arguments, cancellationToken) => OutputFile.WriteAsync(host, arguments.GetValue(output), WorkflowSchema.ToJson(), cancellationToken));
        return command;
    }
}
