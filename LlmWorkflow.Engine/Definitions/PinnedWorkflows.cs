using System.Security.Cryptography;
using System.Text;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>Makes <see cref="PinnedWorkflow"/>s and their hashes.</summary>
internal static class PinnedWorkflows
{
    /// <summary>Pins a valid definition with the prompts it uses.</summary>
    public static PinnedWorkflow Pin(WorkflowDefinition definition, string json, IEnumerable<string> usedPrompts, IReadOnlyDictionary<string, string> prompts)
    {
        SortedDictionary<string, string> used = new(usedPrompts.Where(prompts.ContainsKey).ToDictionary(path => path, path => prompts[path]), StringComparer.Ordinal);
        return new PinnedWorkflow { Hash = Hash(json, used), Definition = definition, Json = json, Prompts = used };
    }

    /// <summary>Lower-case hex SHA-256 over the definition and its prompts in the order of their paths; lengths keep the parts apart.</summary>
    public static string Hash(string json, IReadOnlyDictionary<string, string> prompts)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, "definition", json);
        foreach ((string path, string text) in prompts.OrderBy(prompt => prompt.Key, StringComparer.Ordinal))
        {
            Append(hash, path, text);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Makes a pinned version from its stored texts, whatever the files say today.</summary>
    /// <exception cref="WorkflowException">The texts do not have that hash, or this version of the service cannot read them.</exception>
    public static PinnedWorkflow Restore(string hash, string json, IReadOnlyDictionary<string, string> prompts)
    {
        if (Hash(json, prompts) != hash)
        {
            throw Fault($"The stored definition does not have the hash {hash}.");
        }

        ValidationResult result = DefinitionValidator.Validate(json, null, new DefinitionSurroundings { Prompts = prompts });
        return result.Definition is { } definition
            ? new PinnedWorkflow { Hash = hash, Definition = definition, Json = json, Prompts = prompts }
            : throw Fault($"The stored definition {hash} is not valid: {result.Issues.First(issue => issue.Severity == IssueSeverity.Error).Message}");
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
