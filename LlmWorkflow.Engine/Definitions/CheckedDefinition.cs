namespace LlmWorkflow.Engine.Definitions;

/// <summary>A definition that is no file of the workflows folder, validated.</summary>
/// <param name="Workflow">Pinned with its prompts and sub-workflows; null when there are errors.</param>
/// <param name="Issues">All that was found, in the order of its text.</param>
public sealed record CheckedDefinition(PinnedWorkflow? Workflow, IReadOnlyList<DefinitionIssue> Issues)
{
    internal static CheckedDefinition Of(string json, CatalogSnapshot snapshot)
    {
        DefinitionSurroundings surroundings = snapshot.Surroundings with { Workflows = snapshot.Workflows.ToDictionary(known => known.Key, known => known.Value.Definition, StringComparer.Ordinal) };
        ValidationResult result = DefinitionValidator.Validate(json, null, surroundings);
        if (result.Definition is not { } definition)
        {
            return new CheckedDefinition(null, result.Issues);
        }

        Dictionary<string, PinnedSubWorkflow> inner = new(StringComparer.Ordinal);
        Dictionary<string, string> prompts = new(StringComparer.Ordinal);
        foreach (string name in InnerWorkflows(definition.Steps))
        {
            if (snapshot.Workflows.TryGetValue(name, out PinnedWorkflow? known))
            {
                inner[name] = new PinnedSubWorkflow(known.Definition, known.Json);
                Add(known.Workflows, inner);
                Add(known.Prompts, prompts);
            }
        }

        PinnedWorkflow pinned = PinnedWorkflows.Pin(definition, json, result.UsedPrompts, snapshot.Surroundings.Prompts);
        Add(pinned.Prompts, prompts);
        return new CheckedDefinition(pinned with { Workflows = inner, Prompts = prompts }, result.Issues);
    }

    private static IEnumerable<string> InnerWorkflows(IEnumerable<StepDefinition> steps) => steps.SelectMany(step =>
        step is WorkflowStepDefinition inner ? [inner.Workflow] : step.Branches.SelectMany(branch => InnerWorkflows(branch.Steps)));

    private static void Add<T>(IReadOnlyDictionary<string, T> more, Dictionary<string, T> all)
    {
        foreach ((string name, T value) in more)
        {
            all[name] = value;
        }
    }
}
