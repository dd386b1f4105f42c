using System.Security.Cryptography;
using System.Text;
using LlmWorkflow.Engine.Definitions.Rules;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>Makes <see cref="PinnedWorkflow"/>s and their hashes.</summary>
internal static class PinnedWorkflows
{
    /// <summary>Pins a valid definition with the prompts it uses, without the workflows that it runs.</summary>
    public static PinnedWorkflow Pin(WorkflowDefinition definition, string json, IEnumerable<string> usedPrompts, IReadOnlyDictionary<string, string> prompts)
    {
        SortedDictionary<string, string> used = new(usedPrompts.Where(prompts.ContainsKey).ToDictionary(path => path, path => prompts[path]), StringComparer.Ordinal);
        return new PinnedWorkflow { Hash = Hash(json, used, new Dictionary<string, string>()), Definition = definition, Json = json, Prompts = used };
    }

    /// <summary>The same with all workflows that it runs, directly or through others, and their prompts. A prompt of its own wins over theirs.</summary>
    /// <param name="own">A definition with its own prompts.</param>
    /// <param name="others">The workflows that can be run, each at least with its own prompts; one that is missing here counts as pinned by the one that runs it.</param>
    public static PinnedWorkflow WithSubWorkflows(PinnedWorkflow own, IReadOnlyDictionary<string, PinnedWorkflow> others)
    {
        SortedDictionary<string, PinnedSubWorkflow> subs = new(StringComparer.Ordinal);
        Dictionary<string, PinnedSubWorkflow> pinnedByOthers = [];
        SortedDictionary<string, string> prompts = new(own.Prompts.ToDictionary(), StringComparer.Ordinal);
        Queue<string> names = new(SubWorkflowRules.Names(own.Definition.Steps));
        while (names.TryDequeue(out string? name))
        {
            if (subs.ContainsKey(name))
            {
                continue;
            }

            if (others.TryGetValue(name, out PinnedWorkflow? other))
            {
                subs[name] = new PinnedSubWorkflow(other.Definition, other.Json);
                AddMissing(prompts, other.Prompts);
                AddMissing(pinnedByOthers, other.Workflows);
            }
            else if (pinnedByOthers.TryGetValue(name, out PinnedSubWorkflow? pinned))
            {
                subs[name] = pinned;
            }
            else
            {
                continue;
            }

            foreach (string further in SubWorkflowRules.Names(subs[name].Definition.Steps))
            {
                names.Enqueue(further);
            }
        }

        return subs.Count == 0
            ? own
            : own with { Hash = Hash(own.Json, prompts, subs.ToDictionary(sub => sub.Key, sub => sub.Value.Json)), Workflows = subs, Prompts = prompts };
    }

    /// <summary>Lower-case hex SHA-256 over the definition, its prompts in the order of their paths and its workflows in the order of their names; lengths keep the parts apart.</summary>
    public static string Hash(string json, IReadOnlyDictionary<string, string> prompts, IReadOnlyDictionary<string, string> workflows)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, "definition", json);
        foreach ((string path, string text) in prompts.OrderBy(prompt => prompt.Key, StringComparer.Ordinal))
        {
            Append(hash, path, text);
        }

        foreach ((string name, string text) in workflows.OrderBy(workflow => workflow.Key, StringComparer.Ordinal))
        {
            // No prompt's path has a colon.
            Append(hash, $"workflow:{name}", text);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Makes a pinned version from its stored texts, whatever the files, and the rules for them, say today.</summary>
    /// <param name="hash">Of all that follows.</param>
    /// <param name="json">The definition's text.</param>
    /// <param name="prompts">Prompt files by path.</param>
    /// <param name="workflows">Texts of the workflows that it runs, by name.</param>
    /// <exception cref="WorkflowException">The texts do not have that hash, or this version of the service cannot read them.</exception>
    public static PinnedWorkflow Restore(
        string hash, string json, IReadOnlyDictionary<string, string> prompts, IReadOnlyDictionary<string, string> workflows)
    {
        if (Hash(json, prompts, workflows) != hash)
        {
            throw Fault($"The stored definition does not have the hash {hash}.");
        }

        return new PinnedWorkflow
        {
            Hash = hash,
            Definition = Read(hash, json),
            Json = json,
            Prompts = prompts,
            Workflows = workflows.ToDictionary(workflow => workflow.Key, workflow => new PinnedSubWorkflow(Read(hash, workflow.Value), workflow.Value)),
        };
    }

    private static WorkflowDefinition Read(string hash, string json)
    {
        ValidationResult result = DefinitionValidator.Read(json);
        return result.Definition
            ?? throw Fault($"The stored definition {hash} is not valid: {result.Issues.First(issue => issue.Severity == IssueSeverity.Error).Message}");
    }

    private static void AddMissing<T>(IDictionary<string, T> to, IReadOnlyDictionary<string, T> from)
    {
        foreach ((string key, T value) in from)
        {
            to.TryAdd(key, value);
        }
    }

    private static void Append(IncrementalHash hash, string name, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        hash.AppendData(Encoding.UTF8.GetBytes($"{name}\n{bytes.Length}\n"));
        hash.AppendData(bytes);
    }

    private static WorkflowException Fault(string message) => new(new WorkflowError
    {
        Type = ErrorTypes.InvalidDefinition,
        Category = ErrorCategory.Config,
        Message = message,
    });
}
