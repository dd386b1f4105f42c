namespace LlmWorkflow.Engine.Definitions.Language;

/// <summary>An object with known properties.</summary>
/// <param name="Title">What it is, for editors and messages: <c>a workflow</c>.</param>
/// <param name="Properties">In the order in which docs show them.</param>
internal sealed record ObjectShape(string Title, IReadOnlyList<PropertyShape> Properties) : ValueShape
{
    /// <inheritdoc/>
    public override string Expected => "an object";

    /// <summary>One line for authors.</summary>
    public string Doc { get; init; } = "";

    /// <summary>Properties of which at least one must be given; empty: there is no such rule.</summary>
    public IReadOnlyList<string> AtLeastOneOf { get; init; } = [];

    /// <summary>Groups of properties of which at most one may be given.</summary>
    public IReadOnlyList<IReadOnlyList<string>> AtMostOneOf { get; init; } = [];

    /// <summary>Code of the issue when none of <see cref="AtLeastOneOf"/> is given.</summary>
    public string MissingCode { get; init; } = IssueCodes.MissingProperty;

    /// <summary>Properties that one may expect here and that are refused, with the reason.</summary>
    public IReadOnlyDictionary<string, string> Refused { get; init; } = new Dictionary<string, string>();

    /// <summary>Whether properties that are not known are passed over: for steps whose type or operation is not known.</summary>
    public bool IsOpen { get; init; }

    /// <summary>The property of that name; null when there is none.</summary>
    public PropertyShape? Find(string name) => Properties.FirstOrDefault(property => property.Name == name);
}

/// <summary>A property of an <see cref="ObjectShape"/>.</summary>
/// <param name="Name">As definitions write it.</param>
/// <param name="Value">What it holds.</param>
/// <param name="Doc">One line for authors.</param>
internal sealed record PropertyShape(string Name, ValueShape Value, string Doc)
{
    /// <summary>Whether it must be given.</summary>
    public bool IsRequired { get; init; }

    /// <summary>The default as JSON; null when there is none, or when <see cref="Doc"/> tells it.</summary>
    public string? Default { get; init; }

    /// <summary>Code of the issue when it is required and absent.</summary>
    public string MissingCode { get; init; } = IssueCodes.MissingProperty;
}
