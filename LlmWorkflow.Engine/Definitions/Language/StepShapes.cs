using System.Text.Json;

namespace LlmWorkflow.Engine.Definitions.Language;

/// <summary>All kinds of steps.</summary>
internal static class StepShapes
{
    /// <summary>Every kind of step. Some types have several, by further properties.</summary>
    public static IReadOnlyList<ObjectShape> All { get; } =
    [
        LlmShapes.Step, SimpleShapes.ExternalApi, .. TransformShapes.All, TransformShapes.Row, CompositeShapes.Condition, CompositeShapes.Cases,
        CompositeShapes.Parallel, CompositeShapes.Foreach, CompositeShapes.Workflow, SimpleShapes.Wait, SimpleShapes.Approval,
    ];

    /// <summary>Names of the types, in the order in which docs show them.</summary>
    public static IReadOnlyList<string> Types { get; } = [.. All.Select(TypeOf).Distinct()];

    /// <summary>What stands in for a step whose type is missing or not known.</summary>
    public static ObjectShape Unknown { get; } = new("a step", [.. CommonShapes.Properties, new("type", Forms.Filled(), "What the step does.") { IsRequired = true }]) { IsOpen = true };

    /// <summary>The shape of a step; null when its type, or its transform's operation, is missing or not known.</summary>
    public static ObjectShape? Find(JsonElement step) => Text(step, "type") switch
    {
        "conditional" => step.TryGetProperty("cases", out _) ? CompositeShapes.Cases : CompositeShapes.Condition,
        "transform" => step.TryGetProperty("operations", out _) ? TransformShapes.Row : TransformShapes.Find(Text(step, "operation")),
        { } type => All.FirstOrDefault(shape => TypeOf(shape) == type),
        null => null,
    };

    /// <summary>A property that is a string; null when it is not.</summary>
    public static string? Text(JsonElement step, string name) =>
        step.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static string TypeOf(ObjectShape shape) => ((TextShape)shape.Find("type")!.Value).Choices[0];
}
