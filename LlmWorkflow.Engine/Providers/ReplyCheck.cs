using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;
using LlmWorkflow.Engine.Transforms;
using Microsoft.Extensions.AI;

namespace LlmWorkflow.Engine.Providers;

/// <summary>A reply as read.</summary>
/// <param name="Json">The JSON in it; Undefined when text was asked for, or when there is none.</param>
/// <param name="Issues">What is wrong with it; empty when it can be used.</param>
internal sealed record CheckedReply(JsonElement Json, IReadOnlyList<SchemaIssue> Issues);

/// <summary>Reads replies as what a step asked for: takes JSON out of prose and fences, mends what has one meaning only, checks it against the schema. Free of cost.</summary>
internal sealed class ReplyCheck
{
    // Room for the reply within a step's output within a job's: readers of JSON stop at 64 levels.
    private const int MostLevels = 48;

    private readonly bool _wantsJson;
    private readonly JsonSchemaCheck? _schema;

    private ReplyCheck(bool wantsJson, JsonSchemaCheck? schema) => (_wantsJson, _schema) = (wantsJson, schema);

    /// <summary>The check of a format; null: any text.</summary>
    /// <exception cref="WorkflowException">The schema cannot be used.</exception>
    public static ReplyCheck Of(LlmJsonFormat? format)
    {
        try
        {
            return new ReplyCheck(format is not null, format?.Schema is { } schema ? JsonSchemaCheck.Compile(schema) : null);
        }
        catch (FormatException exception)
        {
            throw new WorkflowException(
                new WorkflowError
                {
                    Type = ErrorTypes.InvalidDefinition,
                    Category = ErrorCategory.Config,
                    Message = $"The schema in 'response_format' cannot be used: {Redactor.Text(exception.Message.TrimEnd('.'))}.",
                    Details = new ErrorDetails { Suggestions = ["Correct 'response_format.json_schema' in the step."] },
                },
                exception);
        }
    }

    /// <summary>Reads a reply.</summary>
    public CheckedReply Check(LlmReply reply)
    {
        if (!_wantsJson)
        {
            return new CheckedReply(default, []);
        }

        var isCut = reply.FinishReason == ChatFinishReason.Length.Value;
        var found = JsonInText.Find(reply.Content);
        // Brackets can be closed behind a reply that was cut off, but nobody knows what would have stood before them.
        if (found is null || (isCut && found.IsMended))
        {
            return Unusable(
                isCut ? "was cut off at the limit of output tokens"
                : string.IsNullOrWhiteSpace(reply.Content) ? "is empty"
                : "holds no JSON, or JSON that is broken in a way that cannot be mended with certainty");
        }

        return IsDeeper(found.Value, MostLevels)
            ? Unusable($"is nested deeper than {MostLevels} levels")
            : new CheckedReply(found.Value, _schema?.Validate(found.Value) ?? []);
    }

    private static CheckedReply Unusable(string message) => new(default, [new SchemaIssue("", message)]);

    private static bool IsDeeper(JsonElement value, int levels) => value.ValueKind switch
    {
        JsonValueKind.Object => levels == 0 || value.EnumerateObject().Any(member => IsDeeper(member.Value, levels - 1)),
        JsonValueKind.Array => levels == 0 || value.EnumerateArray().Any(item => IsDeeper(item, levels - 1)),
        _ => false,
    };
}
