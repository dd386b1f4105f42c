using LlmWorkflow.Engine.Definitions.Rules;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>All definition files of a folder, validated together: a workflow may run others. What is broken counts as its last good version.</summary>
internal sealed class WorkflowSet
{
    private readonly IReadOnlyDictionary<string, string> _texts;
    private readonly IReadOnlyDictionary<string, PinnedWorkflow> _lastGood;
    private readonly Dictionary<string, ValidationResult> _results = new(StringComparer.Ordinal);
    private readonly Dictionary<string, WorkflowDefinition> _usable = new(StringComparer.Ordinal);

    /// <summary>Validates the files.</summary>
    /// <param name="texts">Their texts by name.</param>
    /// <param name="surroundings">What they may refer to, besides each other.</param>
    /// <param name="lastGood">The versions in use until now.</param>
    public WorkflowSet(IReadOnlyDictionary<string, string> texts, DefinitionSurroundings surroundings, IReadOnlyDictionary<string, PinnedWorkflow> lastGood)
    {
        _texts = texts;
        _lastGood = lastGood;
        Surroundings = surroundings with { Workflows = _usable };
        foreach ((string name, string json) in texts)
        {
            Note(name, DefinitionValidator.Validate(json, name, surroundings));
        }

        CheckEachOther();
    }

    /// <summary>What the files may refer to, the usable workflows too.</summary>
    public DefinitionSurroundings Surroundings { get; }

    /// <summary>What was found, by workflow.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<DefinitionIssue>> Issues => _results.ToDictionary(result => result.Key, result => result.Value.Issues);

    /// <summary>The broken files, by name.</summary>
    public IEnumerable<CatalogProblem> Problems => _results.Where(result => result.Value.Definition is null).OrderBy(result => result.Key, StringComparer.Ordinal)
        .Select(result => new CatalogProblem($"definitions/{result.Key}.json", result.Value.Issues, _lastGood.ContainsKey(result.Key)));

    /// <summary>The usable workflows, each with those that it runs.</summary>
    public IReadOnlyDictionary<string, PinnedWorkflow> Pin()
    {
        Dictionary<string, PinnedWorkflow> own = new(StringComparer.Ordinal);
        foreach ((string name, ValidationResult result) in _results)
        {
            if (result.Definition is { } definition)
            {
                own[name] = PinnedWorkflows.Pin(definition, _texts[name], result.UsedPrompts, Surroundings.Prompts);
            }
            else if (_lastGood.TryGetValue(name, out PinnedWorkflow? lastGood))
            {
                own[name] = lastGood;
            }
        }

        // A last good version keeps the workflows that it was pinned with.
        return own.ToDictionary(
            workflow => workflow.Key,
            workflow => _results[workflow.Key].Definition is null ? workflow.Value : PinnedWorkflows.WithSubWorkflows(workflow.Value, own));
    }

    private void Note(string name, ValidationResult result)
    {
        _results[name] = result;
        if ((result.Definition ?? _lastGood.GetValueOrDefault(name)?.Definition) is { } usable)
        {
            _usable[name] = usable;
        }
        else
        {
            _usable.Remove(name);
        }
    }

    // A workflow that turns out to be broken may break those that run it, so it goes round until nothing changes. What is broken stays so.
    private void CheckEachOther()
    {
        bool isChanged = true;
        while (isChanged)
        {
            isChanged = false;
            Dictionary<string, ValidationResult> found = [];
            foreach ((string name, ValidationResult result) in _results)
            {
                if (result.Definition is { } definition && SubWorkflowRules.Names(definition.Steps).Any())
                {
                    found[name] = DefinitionValidator.Validate(_texts[name], name, Surroundings);
                }
            }

            // Noted together: each of several that run each other in a circle is told so.
            foreach ((string name, ValidationResult result) in found)
            {
                isChanged |= result.Definition is null;
                Note(name, result);
            }
        }
    }
}
