using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using NJsonSchema;
using NJsonSchema.Validation;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>One way in which an input breaks its workflow's <c>input_schema</c>.</summary>
/// <param name="Pointer">Where, as a JSON pointer into the input.</param>
/// <param name="Message">What is wrong, as a sentence about that place.</param>
public sealed record InputIssue(string Pointer, string Message);

/// <summary>Checks inputs against <c>input_schema</c>. The schema is compiled once per loaded definition.</summary>
public static class InputSchema
{
    private static readonly ConditionalWeakTable<WorkflowDefinition, JsonSchema> s_compiled = [];

    /// <summary>All issues; empty when the input fits or there is no schema.</summary>
    public static IReadOnlyList<InputIssue> Validate(WorkflowDefinition definition, JsonElement input)
    {
        ArgumentNullException.ThrowIfNull(definition);
        if (definition.InputSchema.ValueKind == JsonValueKind.Undefined)
        {
            return [];
        }

        JsonSchema schema = s_compiled.GetValue(definition, static owner => Compile(owner.InputSchema));
        try
        {
            return [.. schema.Validate(input.GetRawText()).SelectMany(Flatten).Distinct()];
        }
        // The library cannot take every number that JSON can write.
        catch (Exception exception) when (exception is Newtonsoft.Json.JsonException or OverflowException or InvalidCastException or FormatException)
        {
            return [.. OversizedNumbers(input, "").DefaultIfEmpty("").Select(pointer => new InputIssue(pointer, "is a number that is too large; integers may have 64 bits"))];
        }
    }

    private static IEnumerable<string> OversizedNumbers(JsonElement value, string pointer) => value.ValueKind switch
    {
        JsonValueKind.Object => value.EnumerateObject().SelectMany(member =>
            OversizedNumbers(member.Value, $"{pointer}/{member.Name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal)}")),
        JsonValueKind.Array => value.EnumerateArray().SelectMany((item, index) => OversizedNumbers(item, $"{pointer}/{index}")),
        JsonValueKind.Number when !value.TryGetDecimal(out _) || (!value.TryGetInt64(out _) && value.GetRawText().All(c => char.IsAsciiDigit(c) || c == '-')) => [pointer],
        _ => [],
    };

    /// <summary>Why the schema cannot be compiled; null when it can.</summary>
    internal static string? CompileError(JsonElement schema)
    {
        try
        {
            Compile(schema).Validate("{}");
            return null;
        }
        // The library reports a bad schema with exceptions of many kinds.
        catch (Exception exception)
        {
            return exception.Message;
        }
    }

    private static JsonSchema Compile(JsonElement schema) => JsonSchema.FromJsonAsync(schema.GetRawText()).GetAwaiter().GetResult();

    /// <summary>The issues under an error that only groups others; else its own.</summary>
    private static IEnumerable<InputIssue> Flatten(ValidationError error) => error switch
    {
        ChildSchemaValidationError { Kind: ValidationErrorKind.NotAllOf or ValidationErrorKind.ArrayItemNotValid } group => group.Errors.Values.SelectMany(errors => errors.SelectMany(Flatten)),
        // Of "a list or null", the type that the value has says what is wrong inside it.
        MultiTypeValidationError types when types.Errors.Values.FirstOrDefault(errors => errors.All(inner => inner.Path != error.Path)) is { } ofItsType =>
            ofItsType.SelectMany(Flatten),
        _ => [Issue(error)],
    };

    private static InputIssue Issue(ValidationError error) => new(ToPointer(error.Path), Message(error));

    private static string ToPointer(string? path) =>
        path is null or "#" or "#/" ? "" : "/" + path.TrimStart('#', '/').Replace('.', '/').Replace("[", "/", StringComparison.Ordinal).Replace("]", "", StringComparison.Ordinal);

    private static string Message(ValidationError error) => error.Kind switch
    {
        ValidationErrorKind.PropertyRequired => "is required",
        ValidationErrorKind.NoAdditionalPropertiesAllowed => "is not allowed",
        ValidationErrorKind.StringExpected => "must be a string",
        ValidationErrorKind.NumberExpected => "must be a number",
        ValidationErrorKind.IntegerExpected => "must be a whole number",
        ValidationErrorKind.BooleanExpected => "must be true or false",
        ValidationErrorKind.ObjectExpected => "must be an object",
        ValidationErrorKind.ArrayExpected => "must be a list",
        ValidationErrorKind.NullExpected => "must be null",
        ValidationErrorKind.NoTypeValidates => $"must be of another type: {error.Schema.Type}",
        ValidationErrorKind.PatternMismatch => $"must match the pattern {error.Schema.Pattern}",
        ValidationErrorKind.StringTooShort => Invariant($"must have at least {error.Schema.MinLength} characters"),
        ValidationErrorKind.StringTooLong => Invariant($"must have at most {error.Schema.MaxLength} characters"),
        ValidationErrorKind.NumberTooSmall => Invariant($"must be at least {error.Schema.Minimum ?? error.Schema.ExclusiveMinimum}"),
        ValidationErrorKind.NumberTooBig => Invariant($"must be at most {error.Schema.Maximum ?? error.Schema.ExclusiveMaximum}"),
        ValidationErrorKind.TooFewItems => Invariant($"must have at least {error.Schema.MinItems} items"),
        ValidationErrorKind.TooManyItems => Invariant($"must have at most {error.Schema.MaxItems} items"),
        ValidationErrorKind.NotInEnumeration => $"must be one of: {string.Join(", ", error.Schema.Enumeration)}",
        ValidationErrorKind.NotAnyOf or ValidationErrorKind.NotOneOf
            when error is ChildSchemaValidationError alternatives => "fits none of the alternatives: " + string.Join(
                "; or ", alternatives.Errors.Values.Select(errors => string.Join(", ", errors.SelectMany(Flatten).Select(issue => $"{issue.Pointer} {issue.Message}".Trim())))),
        _ => $"breaks the rule {error.Kind}",
    };

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
