using System.Runtime.CompilerServices;
using System.Text.Json;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>One way in which an input breaks its workflow's <c>input_schema</c>.</summary>
/// <param name="Pointer">Where, as a JSON pointer into the input.</param>
/// <param name="Message">What is wrong, as a sentence about that place.</param>
public sealed record InputIssue(string Pointer, string Message);

/// <summary>Checks inputs against <c>input_schema</c>. The schema is compiled once per loaded definition.</summary>
public static class InputSchema
{
    private static readonly ConditionalWeakTable<WorkflowDefinition, JsonSchemaCheck> s_compiled = [];

    /// <summary>All issues; empty when the input fits or there is no schema.</summary>
    public static IReadOnlyList<InputIssue> Validate(WorkflowDefinition definition, JsonElement input)
    {
        ArgumentNullException.ThrowIfNull(definition);
        return definition.InputSchema.ValueKind == JsonValueKind.Undefined
            ? []
            : [.. s_compiled.GetValue(definition, static owner => JsonSchemaCheck.Compile(owner.InputSchema)).Validate(input)
                .Select(issue => new InputIssue(issue.Pointer, issue.Message))];
    }

    /// <summary>Why the schema cannot be compiled; null when it can.</summary>
    internal static string? CompileError(JsonElement schema)
    {
        try
        {
            JsonSchemaCheck.Compile(schema);
            return null;
        }
        catch (FormatException exception)
        {
            return exception.Message;
        }
    }
}
