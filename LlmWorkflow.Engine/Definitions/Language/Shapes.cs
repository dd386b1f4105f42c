using System.Globalization;
using System.Text.RegularExpressions;

namespace LlmWorkflow.Engine.Definitions.Language;

/// <summary>What a value of a definition must look like. Reader, editor schema and reference are made from these.</summary>
internal abstract record ValueShape
{
    /// <summary>What is allowed, as messages say it: <c>a string</c>.</summary>
    public abstract string Expected { get; }

    /// <summary>Whether a string with <c>${…}</c> may stand for the value, whatever its kind.</summary>
    public bool OrTemplate { get; init; }
}

/// <summary>What the strings of a value are for.</summary>
internal enum TextUse
{
    /// <summary>Taken as written.</summary>
    Plain,

    /// <summary>Text with <c>${…}</c>.</summary>
    Template,

    /// <summary>A bare expression whose value is needed.</summary>
    Expression,

    /// <summary>A bare expression that is true or false; missing values count as null.</summary>
    Condition,

    /// <summary>A bare expression that is evaluated before any step runs.</summary>
    Key,

    /// <summary>A bare expression with <c>item</c> and <c>index</c>.</summary>
    ItemExpression,

    /// <summary>A bare condition with <c>item</c> and <c>index</c>.</summary>
    ItemCondition,

    /// <summary>Text with <c>${…}</c> that knows <c>item</c> and <c>index</c>.</summary>
    ItemTemplate,

    /// <summary>A prompt: includes, Handlebars and <c>${…}</c>.</summary>
    Prompt,

    /// <summary>Path of a prompt file.</summary>
    PromptFile,

    /// <summary>Handlebars and <c>${…}</c> of the <c>template</c> transform.</summary>
    TransformTemplate,
}

/// <summary>A string.</summary>
/// <param name="Use">What it is for.</param>
internal sealed record TextShape(TextUse Use = TextUse.Plain) : ValueShape
{
    /// <inheritdoc/>
    public override string Expected => Choices.Count > 0 ? $"one of {string.Join(", ", Choices.Select(choice => $"\"{choice}\""))}" : "a string";

    /// <summary>Fewest characters: 0 or 1.</summary>
    public int Least { get; init; }

    /// <summary>The values that are allowed; empty: any.</summary>
    public IReadOnlyList<string> Choices { get; init; } = [];

    /// <summary>The form that it must have; null: any.</summary>
    public TextForm? Form { get; init; }
}

/// <summary>A form of strings.</summary>
/// <param name="Pattern">Regular expression for the whole string, of those that .NET and JavaScript read alike.</param>
/// <param name="Words">It in words, behind "is no".</param>
/// <param name="Code">Code of the issue when a string breaks it.</param>
internal sealed record TextForm(string Pattern, string Words, string Code)
{
    private readonly Regex _pattern = new(Pattern, RegexOptions.CultureInvariant);

    /// <summary>Whether the text has the form.</summary>
    // For .NET the end of a text is before a line end too.
    public bool Fits(string text) => !text.EndsWith('\n') && _pattern.IsMatch(text);
}

/// <summary>A number, or a whole one.</summary>
internal sealed record NumberShape(decimal Least, decimal Most, bool IsWhole = false) : ValueShape
{
    /// <inheritdoc/>
    public override string Expected => IsWhole ? "a whole number" : "a number";

    /// <summary>The bounds in words.</summary>
    public string Bounds => Most >= long.MaxValue
        ? string.Create(CultureInfo.InvariantCulture, $"{Expected} of at least {Least}")
        : string.Create(CultureInfo.InvariantCulture, $"{Expected} from {Least} to {Most}");
}

/// <summary>True or false.</summary>
internal sealed record FlagShape : ValueShape
{
    /// <inheritdoc/>
    public override string Expected => "true or false";
}

/// <summary>Any JSON.</summary>
/// <param name="Use">What the strings inside are for.</param>
internal sealed record AnyShape(TextUse Use = TextUse.Template) : ValueShape
{
    /// <inheritdoc/>
    public override string Expected => "any value";
}

/// <summary>A JSON Schema.</summary>
/// <param name="Code">Code of the issues in it.</param>
internal sealed record SchemaShape(string Code) : ValueShape
{
    /// <inheritdoc/>
    public override string Expected => "a JSON Schema (an object)";
}

/// <summary>A list.</summary>
internal sealed record ListShape(ValueShape Item, int Least, int Most) : ValueShape
{
    /// <inheritdoc/>
    public override string Expected => Item switch
    {
        TextShape { Choices.Count: 0 } => "a list of strings",
        ObjectShape => "a list of objects",
        _ => "a list",
    };
}

/// <summary>An object whose property names are free.</summary>
internal sealed record MapShape(ValueShape Value) : ValueShape
{
    /// <inheritdoc/>
    public override string Expected => "an object";

    /// <summary>The form of the names; null: any.</summary>
    public TextForm? Names { get; init; }

    /// <summary>Fewest properties.</summary>
    public int Least { get; init; }

    /// <summary>Most properties; null: any number.</summary>
    public int? Most { get; init; }
}

/// <summary>A list of steps.</summary>
/// <param name="Least">Fewest steps: 0 or 1.</param>
internal sealed record StepsShape(int Least) : ValueShape
{
    /// <inheritdoc/>
    public override string Expected => "a list of steps";
}

/// <summary>One of several, told apart by the kind of the value.</summary>
internal sealed record EitherShape(params IReadOnlyList<ValueShape> Options) : ValueShape
{
    /// <inheritdoc/>
    public override string Expected => string.Join(" or ", Options.Select(option => option.Expected));
}
