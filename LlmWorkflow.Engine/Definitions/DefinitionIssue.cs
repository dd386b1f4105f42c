using System.Text.Json.Serialization;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>How bad a <see cref="DefinitionIssue"/> is. Only errors keep a definition from being used.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<IssueSeverity>))]
public enum IssueSeverity
{
    /// <summary>The definition cannot run.</summary>
    [JsonStringEnumMemberName("error")]
    Error,

    /// <summary>It runs, but something is likely not as meant.</summary>
    [JsonStringEnumMemberName("warning")]
    Warning,

    /// <summary>Worth knowing.</summary>
    [JsonStringEnumMemberName("info")]
    Info,
}

/// <summary>One thing that validation found.</summary>
public sealed record DefinitionIssue
{
    /// <summary>Stable code, one of <see cref="IssueCodes"/>.</summary>
    public required string Code { get; init; }

    /// <summary>How bad it is.</summary>
    public required IssueSeverity Severity { get; init; }

    /// <summary>JSON pointer (RFC 6901) into the definition; empty for the whole of it.</summary>
    [JsonPropertyName("pointer")]
    public required string JsonPointer { get; init; }

    /// <summary>Line in the file, from 1.</summary>
    public required int Line { get; init; }

    /// <summary>Column in the line, from 1, in characters.</summary>
    public required int Column { get; init; }

    /// <summary>What is wrong.</summary>
    public required string Message { get; init; }

    /// <summary>What to do; null when the message says all.</summary>
    public string? Suggestion { get; init; }
}

/// <summary>Codes of <see cref="DefinitionIssue"/>.</summary>
public static class IssueCodes
{
#pragma warning disable CS1591 // The names are the documentation.
    public const string MalformedJson = "MALFORMED_JSON";
    public const string DuplicateProperty = "DUPLICATE_PROPERTY";
    public const string UnknownProperty = "UNKNOWN_PROPERTY";
    public const string MissingProperty = "MISSING_PROPERTY";
    public const string WrongType = "WRONG_TYPE";
    public const string OutOfRange = "OUT_OF_RANGE";
    public const string InvalidValue = "INVALID_VALUE";
    public const string InvalidName = "INVALID_NAME";
    public const string NameMismatch = "NAME_MISMATCH";
    public const string ConflictingProperties = "CONFLICTING_PROPERTIES";
    public const string UnknownStepType = "UNKNOWN_STEP_TYPE";
    public const string DuplicateStepId = "DUPLICATE_STEP_ID";
    public const string InvalidExpression = "INVALID_EXPRESSION";
    public const string UnknownReference = "UNKNOWN_REFERENCE";
    public const string LaterReference = "LATER_REFERENCE";
    public const string NotAlwaysRun = "NOT_ALWAYS_RUN";
    public const string MissingPrompt = "MISSING_PROMPT";
    public const string MissingInclude = "MISSING_INCLUDE";
    public const string IncludeCycle = "INCLUDE_CYCLE";
    public const string PromptPathOutside = "PROMPT_PATH_OUTSIDE";
    public const string InvalidPrompt = "INVALID_PROMPT";
    public const string UnknownVariable = "UNKNOWN_VARIABLE";
    public const string UnknownService = "UNKNOWN_SERVICE";
    public const string UnknownOperation = "UNKNOWN_OPERATION";
    public const string MissingParameter = "MISSING_PARAMETER";
    public const string UnknownParameter = "UNKNOWN_PARAMETER";
    public const string UnknownWorkflow = "UNKNOWN_WORKFLOW";
    public const string WorkflowRecursion = "WORKFLOW_RECURSION";
    public const string UnknownPrice = "UNKNOWN_PRICE";
    public const string InvalidInputSchema = "INVALID_INPUT_SCHEMA";
    public const string InvalidSchema = "INVALID_SCHEMA";
    public const string UnusedOutput = "UNUSED_OUTPUT";
#pragma warning restore CS1591
}
