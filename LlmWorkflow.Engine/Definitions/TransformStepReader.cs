using System.Text.Json;
using LlmWorkflow.Engine.Definitions.Language;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>Reads a <c>transform</c> step.</summary>
internal static class TransformStepReader
{
    public static TransformStepDefinition Read(StepNode node, Fields fields) => new()
    {
        Id = node.Id,
        Input = fields.Any("input"),
        Operations = fields.Has("operations")
            ? [.. fields.Items("operations").Where(item => item.ValueKind == JsonValueKind.Object)
                .Select(item => new TransformOperation(StepShapes.Text(item, "operation") ?? "", item))]
            : [new TransformOperation(fields.Text("operation") ?? "", Parameters(node))],
    };

    // What belongs to the step and not to the operation is left out: a row's operations look the same.
    private static JsonElement Parameters(StepNode node)
    {
        HashSet<string> others = [.. CommonShapes.Properties.Select(property => property.Name), "type", "input"];
        return JsonValues.Write(writer =>
        {
            writer.WriteStartObject();
            foreach (JsonProperty property in node.Json.EnumerateObject().Where(property => !others.Contains(property.Name)))
            {
                property.WriteTo(writer);
            }

            writer.WriteEndObject();
        });
    }
}
