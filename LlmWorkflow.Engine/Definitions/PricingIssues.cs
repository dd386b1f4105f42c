using System.Text;
using System.Text.Json;
using LlmWorkflow.Engine.Costs;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>Checks <c>pricing.json</c> and files like it, and says where in the file it is wrong.</summary>
internal static class PricingIssues
{
    /// <summary>The price book of a file's text; null when it has issues.</summary>
    public static (PriceBook? Book, IReadOnlyList<DefinitionIssue> Issues) Read(string json) => Read(json, PriceBookReader.Read);

    /// <summary>What a file's text says; null when it has issues.</summary>
    /// <param name="json">The text.</param>
    /// <param name="read">Reads it and notes its faults.</param>
    public static (T? Value, IReadOnlyList<DefinitionIssue> Issues) Read<T>(string json, Func<string, (T Value, IReadOnlyList<PriceFault> Faults)> read)
        where T : class
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
                var place = Place(fault.Path, root);
                var message = $"{(fault.Path.Count == 0 ? "The file" : place.Label)} {fault.Problem}.";
                if (fault.Kind is PriceFaultKind.UnknownProperty)
                {
                    issues.ErrorAtName(IssueCodes.UnknownProperty, place, message, fault.Suggestion);
                }
                else
                {
                    issues.Error(fault.Kind is PriceFaultKind.MissingProperty ? IssueCodes.MissingProperty : IssueCodes.InvalidValue, place, message, fault.Suggestion);
                }
            }

            return (issues.HasErrors ? null : value, issues.InFileOrder);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return (null, [Malformed(exception)]);
        }
    }

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
