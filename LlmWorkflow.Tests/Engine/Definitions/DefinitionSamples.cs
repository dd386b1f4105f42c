using System.Text.Json;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Definitions;

namespace LlmWorkflow.Tests.Engine.Definitions;

/// <summary>Definitions made from records.</summary>
internal static class DefinitionSamples
{
    internal const string Model = "acme/small";

    /// <summary>USD 1 per million input tokens, 10 per million output tokens.</summary>
    internal static PriceBook Prices { get; } = PriceBookReader.Parse(
        """{"unit": "usd_per_million_tokens", "default_max_tokens": 1000, "models": {"acme/small": {"prices": [{"input": 1, "output": 10}]}, "acme/large": {"prices": [{"input": 10, "output": 100}]}}}""");

    internal static WorkflowDefinition Workflow(params StepDefinition[] steps) => new() { Name = "sample", DisplayName = "Sample", Steps = steps };

    internal static LlmStepDefinition Llm(string id, string prompt = "Hello") => new() { Id = id, Model = Model, Prompt = prompt };

    internal static ExternalApiStepDefinition Call(string id) => new() { Id = id, Service = "places", Operation = "nearby" };

    internal static TransformStepDefinition Transform(string id) => new() { Id = id, Operations = [new TransformOperation("limit", Json("""{"operation": "limit", "count": 1}"""))] };

    internal static StepBranch Branch(string name, params StepDefinition[] steps) => new(name, $"/{name}", steps);

    internal static ConditionalStepDefinition If(string id, string condition, StepDefinition[] then, StepDefinition[]? otherwise = null) => new()
    {
        Id = id,
        Cases = [new ConditionalCase(condition, Branch("then", then))],
        Otherwise = otherwise is null ? null : Branch("else", otherwise),
    };

    internal static PinnedWorkflow Pin(WorkflowDefinition definition, params (string Path, string Text)[] prompts) => new()
    {
        Hash = "hash", Definition = definition, Json = "{}", Prompts = prompts.ToDictionary(prompt => prompt.Path, prompt => prompt.Text),
    };

    internal static JsonElement Json(string json) => JsonElement.Parse(json);
}
