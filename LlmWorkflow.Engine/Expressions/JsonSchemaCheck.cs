using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using NJsonSchema;
using NJsonSchema.Validation;

namespace LlmWorkflow.Engine.Expressions;

/// <summary>One way in which a value breaks a JSON Schema.</summary>
/// <param name="Pointer">Where, as a JSON pointer into the value.</param>
/// <param name="Message">What is wrong, as a sentence about that place.</param>
internal sealed record SchemaIssue(string Pointer, string Message);

/// <summary>A JSON Schema, compiled.</summary>
internal sealed class JsonSchemaCheck
{
    private readonly JsonSchema _schema;

    private JsonSchemaCheck(JsonSchema schema) => _schema = schema;

    /// <summary>Compiles a schema.</summary>
    /// <exception cref="FormatException">It cannot be used; the message says why.</exception>
    public static JsonSchemaCheck Compile(JsonElement schema)
    {
        // Anything but the schema itself would be fetched from a disk or the network.
        if (OutsideReference(schema) is { } reference)
        {
            throw new FormatException($"'$ref' may only point into the schema itself (\"#/…\"), not to '{reference}'");
        }

        try
        {
            JsonSchema compiled = JsonSchema.FromJsonAsync(schema.GetRawText()).GetAwaiter().GetResult();
            // Some faults show only when it is used.
            _ = compiled.Validate("{}");
            return new JsonSchemaCheck(compiled);
        }
        // The library reports a bad schema with exceptions of many kinds.
        catch (Exception exception)
        {
            throw new FormatException(exception.Message, exception);
        }
    }

    /// <summary>All issues; empty when the value fits.</summary>
    public IReadOnlyList<SchemaIssue> Validate(JsonElement value)
    {
        try
        {
            return [.. _schema.Validate(value.GetRawText()).SelectMany(Flatten).Distinct()];
        }
        catch (RegexMatchTimeoutException)
        {
            return [new SchemaIssue("", "has a text that a 'pattern' of the schema takes too long to match")];
        }
        // The library cannot take every number that JSON can write.
        catch (Exception exception) when (exception is Newtonsoft.Json.JsonException or OverflowException or InvalidCastException or FormatException)
        {
            return [.. OversizedNumbers(value, "").DefaultIfEmpty("").Select(pointer => new SchemaIssue(pointer, "is a number that is too large; integers may have 64 bits"))];
        }
    }

    private static string? OutsideReference(JsonElement schema) => schema.ValueKind switch
    {
        JsonValueKind.Object => schema.EnumerateObject()
            .Select(property => property is { Name: "$ref", Value.ValueKind: JsonValueKind.String } && property.Value.GetString() is { } target && !target.StartsWith('#')
                ? target
                : OutsideReference(property.Value))
            .FirstOrDefault(target => target is not null),
        JsonValueKind.Array => schema.EnumerateArray().Select(OutsideReference).FirstOrDefault(target => target is not null),
        _ => null,
    };

    private static IEnumerable<string> OversizedNumbers(JsonElement value, string pointer) => value.ValueKind switch
    {
        JsonValueKind.Object => value.EnumerateObject().SelectMany(member =>
            OversizedNumbers(member.Value, $"{pointer}/{member.Name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal)}")),
        JsonValueKind.Array => value.EnumerateArray().SelectMany((item, index) => OversizedNumbers(item, $"{pointer}/{index}")),
        JsonValueKind.Number when !value.TryGetDecimal(out _) || (!value.TryGetInt64(out _) && value.GetRawText().All(c => char.IsAsciiDigit(c) || c == '-')) => [pointer],
        _ => [],
    };

    /// <summary>The issues under an error that only groups others; else its own.</summary>
    private static IEnumerable<SchemaIssue> Flatten(ValidationError error) => error switch
    {
        ChildSchemaValidationError { Kind: ValidationErrorKind.NotAllOf or ValidationErrorKind.ArrayItemNotValid } group => group.Errors.Values.SelectMany(errors => errors.SelectMany(Flatten)),
        // Of "a list or null", the type that the value has says what is wrong inside it.
        MultiTypeValidationError types when types.Errors.Values.FirstOrDefault(errors => errors.All(inner => inner.Path != error.Path)) is { } ofItsType =>
            ofItsType.SelectMany(Flatten),
        _ => [Issue(error)],
    };

    private static SchemaIssue Issue(ValidationError error) => new(ToPointer(error.Path), Message(error));

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
