using System.Text;
using System.Text.Json;
using LlmWorkflow.Engine.Definitions.Language;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>What validation gives.</summary>
/// <param name="Definition">Null when there are errors.</param>
/// <param name="Issues">All that was found, in the order of the file; after the first 200 no more is noted.</param>
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
        return Check(json, (root, outline, definition, issues) =>
        {
            Name(definition, fileName, issues);
            return DefinitionRules.Apply(root, outline, definition, surroundings, issues);
        });
    }

    /// <summary>Reads the text of a definition that was valid when it was stored: only its form is checked.</summary>
    internal static ValidationResult Read(string json) => Check(json, static (_, _, _, _) => new HashSet<string>());

    private static ValidationResult Check(string json, Func<JsonElement, DefinitionOutline, WorkflowDefinition, DefinitionIssues, IReadOnlySet<string>> meaning)
    {
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
        issues.AddDuplicates();
        ShapeCheck shapes = new(issues);
        shapes.Check(root, WorkflowShapes.Workflow, JsonPlace.Root, null);
        WorkflowDefinition definition = DefinitionReader.Read(root, shapes.Outline);

        // With steps missing from the outline, most of what the rules say would be wrong.
        IReadOnlySet<string> used = shapes.Outline.IsCut || root.ValueKind != JsonValueKind.Object
            ? new HashSet<string>()
            : meaning(root, shapes.Outline, definition, issues);
        return new ValidationResult(issues.HasErrors ? null : definition, issues.InFileOrder, used);
    }

    private static void Name(WorkflowDefinition definition, string? fileName, DefinitionIssues issues)
    {
        if (fileName is not null && definition.Name != fileName && Forms.WorkflowName.Fits(definition.Name))
        {
            issues.Error(
                IssueCodes.NameMismatch,
                JsonPlace.Root.Member("name"),
                $"The name '{definition.Name}' differs from the file's name '{fileName}'.",
                $"Name it \"{fileName}\", or rename the file.");
        }
    }

    private static ValidationResult Malformed(string code, int line, int column, string message)
    {
        DefinitionIssue issue = new() { Code = code, Severity = IssueSeverity.Error, JsonPointer = "", Line = line, Column = column, Message = message };
        return new ValidationResult(null, [issue], new HashSet<string>());
    }
}
