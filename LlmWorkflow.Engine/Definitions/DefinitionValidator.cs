using System.Text;
using System.Text.Json;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>What validation gives.</summary>
/// <param name="Definition">Null when there are errors.</param>
/// <param name="Issues">All that was found, in the order of the file.</param>
/// <param name="UsedPrompts">Paths of the prompts that the definition uses, includes too.</param>
public sealed record ValidationResult(WorkflowDefinition? Definition, IReadOnlyList<DefinitionIssue> Issues, IReadOnlySet<string> UsedPrompts);

/// <summary>Checks a definition file. It never stops at the first issue.</summary>
public static class DefinitionValidator
{
    /// <summary>Largest file, in bytes.</summary>
    public const int MaxBytes = 1_048_576;

    /// <summary>Validates the text of a definition.</summary>
    /// <param name="json">The file's text.</param>
    /// <param name="fileName">The file's name without folder and <c>.json</c>, which must be the workflow's name; null: not checked.</param>
    /// <param name="surroundings">What it may refer to.</param>
    public static ValidationResult Validate(string json, string? fileName, DefinitionSurroundings surroundings)
    {
        ArgumentNullException.ThrowIfNull(json);
        ArgumentNullException.ThrowIfNull(surroundings);
        byte[] utf8 = Encoding.UTF8.GetBytes(json.TrimStart('\uFEFF'));
        if (utf8.Length > MaxBytes)
        {
            return Malformed(IssueCodes.OutOfRange, 1, 1, $"The file is larger than {MaxBytes} bytes.");
        }

        JsonElement root;
        JsonPositions positions;
        try
        {
            positions = new JsonPositions(utf8);
            root = JsonElement.Parse(utf8);
        }
        catch (JsonException exception)
        {
            int cut = exception.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
            return Malformed(
                IssueCodes.MalformedJson,
                (int)(exception.LineNumber ?? 0) + 1,
                (int)(exception.BytePositionInLine ?? 0) + 1,
                cut < 0 ? exception.Message : exception.Message[..cut]);
        }
        catch (InvalidOperationException)
        {
            return Malformed(IssueCodes.MalformedJson, 1, 1, "The file holds text that is not valid Unicode.");
        }

        DefinitionIssues issues = new(positions);
        foreach (string duplicate in positions.Duplicates)
        {
            issues.ErrorAtName(IssueCodes.DuplicateProperty, duplicate, $"'{duplicate[(duplicate.LastIndexOf('/') + 1)..]}' stands here twice.");
        }

        DefinitionReader reader = new(issues);
        WorkflowDefinition definition = reader.Read(root);
        if (fileName is not null && DefinitionReader.IsName(definition.Name) && definition.Name != fileName)
        {
            issues.Error(IssueCodes.NameMismatch, "/name", $"The name '{definition.Name}' differs from the file's name '{fileName}'.", $"Name it \"{fileName}\", or rename the file.");
        }

        DefinitionRules rules = new(definition, reader.ReadSteps, root, surroundings, issues);
        rules.Apply();
        return new ValidationResult(issues.HasErrors ? null : definition, issues.InFileOrder, rules.UsedPrompts);
    }

    private static ValidationResult Malformed(string code, int line, int column, string message)
    {
        DefinitionIssue issue = new() { Code = code, Severity = IssueSeverity.Error, JsonPointer = "", Line = line, Column = column, Message = message };
        return new ValidationResult(null, [issue], new HashSet<string>());
    }
}
