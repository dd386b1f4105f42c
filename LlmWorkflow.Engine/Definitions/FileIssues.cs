using System.Text;
using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>Checks files of the workflows folder that are no definitions, and says where in the file they are wrong.</summary>
internal static class FileIssues
{
    /// <summary>What a file's text says; null when it has issues.</summary>
    /// <param name="json">The text.</param>
    /// <param name="read">Reads it and notes its faults.</param>
    public static (T? Value, IReadOnlyList<DefinitionIssue> Issues) Read<T>(string json, Func<string, (T Value, IReadOnlyList<FileFault> Faults)> read)
        where T : class?
    {
        try
        {
            var issues = new DefinitionIssues(new JsonPositions(Encoding.UTF8.GetBytes(json)));
            issues.AddDuplicates();
            if (issues.HasErrors)
            {
                return (null, issues.InFileOrder);
            }

            var (value, faults) = read(json);
            var root = JsonElement.Parse(json);
            foreach (var fault in faults)
            {
                Add(fault, Place(fault.Path, root), issues);
            }

            return (issues.HasErrors ? null : value, issues.InFileOrder);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return (null, [Malformed(exception)]);
        }
    }

    private static void Add(FileFault fault, JsonPlace place, DefinitionIssues issues)
    {
        var message = $"{(fault.Path.Count == 0 ? "The file" : place.Label)} {fault.Problem}.";
        if (fault.Index is { } index)
        {
            issues.ErrorInText(Code(fault.Kind), place, index, message, fault.Suggestion);
        }
        else if (fault.Kind is FileFaultKind.UnknownProperty or FileFaultKind.InvalidName)
        {
            issues.ErrorAtName(Code(fault.Kind), place, message, fault.Suggestion);
        }
        else
        {
            issues.Error(Code(fault.Kind), place, message, fault.Suggestion);
        }
    }

    private static string Code(FileFaultKind kind) => kind switch
    {
        FileFaultKind.UnknownProperty => IssueCodes.UnknownProperty,
        FileFaultKind.MissingProperty => IssueCodes.MissingProperty,
        FileFaultKind.InvalidName => IssueCodes.InvalidName,
        FileFaultKind.NameMismatch => IssueCodes.NameMismatch,
        FileFaultKind.InvalidExpression => IssueCodes.InvalidExpression,
        FileFaultKind.UnknownReference => IssueCodes.UnknownReference,
        FileFaultKind.UnknownParameter => IssueCodes.UnknownParameter,
        FileFaultKind.InvalidSchema => IssueCodes.InvalidSchema,
        FileFaultKind.ConflictingProperties => IssueCodes.ConflictingProperties,
        _ => IssueCodes.InvalidValue,
    };

    private static JsonPlace Place(IReadOnlyList<string> path, JsonElement root)
    {
        var place = JsonPlace.Root;
        foreach (var part in path)
        {
            var isItem = place.In(root).ValueKind is JsonValueKind.Array;
            place = isItem ? place.Item(int.Parse(part, System.Globalization.CultureInfo.InvariantCulture)) : place.Member(part);
        }

        return place;
    }

    private static DefinitionIssue Malformed(Exception exception) => new()
    {
        Code = IssueCodes.MalformedJson,
        Severity = IssueSeverity.Error,
        JsonPointer = "",
        Line = (int)((exception as JsonException)?.LineNumber ?? 0) + 1,
        Column = (int)((exception as JsonException)?.BytePositionInLine ?? 0) + 1,
        // The parser counts from 0, and says so itself at the end of its message.
        Message = exception is JsonException ? exception.Message.Split(" LineNumber:", 2)[0] : "The file holds text that is not valid Unicode.",
    };
}
