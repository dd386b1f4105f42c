namespace LlmWorkflow.Engine.Transforms;

/// <summary>What a parameter of a transform holds, and by that when <c>${…}</c> in it is resolved.</summary>
internal enum TransformParameterKind
{
    /// <summary>Any JSON.</summary>
    Value,

    /// <summary>Text.</summary>
    Text,

    /// <summary>Text taken as written: a <c>${</c> in it is text.</summary>
    LiteralText,

    /// <summary>Text with <c>${…}</c> and Handlebars, which the operation renders itself.</summary>
    TemplateText,

    /// <summary>A bare expression (a <c>${…}</c> around the whole is allowed), evaluated for each item with <c>item</c> and <c>index</c>.</summary>
    Expression,

    /// <summary>An <see cref="Expression"/>, or a list of <c>{"by": expression, "direction": "asc" | "desc"}</c>.</summary>
    ExpressionOrList,

    /// <summary>Any JSON whose <c>${…}</c> are resolved for each item with <c>item</c> and <c>index</c>.</summary>
    ItemValue,

    /// <summary>True or false.</summary>
    Flag,

    /// <summary>A whole number within <see cref="TransformParameter.Minimum"/> and <see cref="TransformParameter.Maximum"/>.</summary>
    WholeNumber,

    /// <summary>One of <see cref="TransformParameter.Choices"/>.</summary>
    Choice,

    /// <summary>A list of texts.</summary>
    Names,

    /// <summary>A list of any values.</summary>
    List,

    /// <summary>An object of names and any values.</summary>
    Variables,

    /// <summary>An object of names and JSONPaths.</summary>
    Paths,

    /// <summary>An object of names, each with a heading or a list of headings.</summary>
    Headings,

    /// <summary>Text or a whole number of at least 0.</summary>
    NameOrNumber,

    /// <summary>A JSON Schema: an object.</summary>
    Schema,
}

/// <summary>A parameter of a transform. Validator, editor schema and reference are made from these.</summary>
/// <param name="Name">As definitions write it.</param>
/// <param name="Kind">What it holds.</param>
/// <param name="Doc">One line for authors, without a full stop.</param>
internal sealed record TransformParameter(string Name, TransformParameterKind Kind, string Doc)
{
    /// <summary>Whether it must be given.</summary>
    public bool IsRequired { get; init; }

    /// <summary>The default as JSON; null when there is none, or when <see cref="Doc"/> tells it.</summary>
    public string? Default { get; init; }

    /// <summary>The least <see cref="TransformParameterKind.WholeNumber"/>.</summary>
    public int Minimum { get; init; }

    /// <summary>The largest <see cref="TransformParameterKind.WholeNumber"/>.</summary>
    public int Maximum { get; init; } = int.MaxValue;

    /// <summary>The values of a <see cref="TransformParameterKind.Choice"/>; else empty.</summary>
    public IReadOnlyList<string> Choices { get; init; } = [];

    /// <summary>Whether its <c>${…}</c> are resolved before the operation runs; a text with <c>${…}</c> may then stand for a value of any kind.</summary>
    public bool IsResolvedBefore => Kind is not (TransformParameterKind.LiteralText or TransformParameterKind.TemplateText
        or TransformParameterKind.Expression or TransformParameterKind.ExpressionOrList or TransformParameterKind.ItemValue);
}
