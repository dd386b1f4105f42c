using LlmWorkflow.Engine.Transforms;

namespace LlmWorkflow.Engine.Definitions.Language;

/// <summary>The <c>transform</c> step: one shape per operation, made from the operations' own table.</summary>
internal static class TransformShapes
{
    private const string Doc = "Changes a value.";

    private static readonly PropertyShape s_input = new("input", new AnyShape(), "What it reads; by default the output of the step before.");

    /// <summary>A step with one operation, for each operation.</summary>
    public static IReadOnlyList<ObjectShape> All { get; } = [.. TransformCatalog.All.Select(Step)];

    /// <summary>Each operation as a member of <c>operations</c>.</summary>
    public static IReadOnlyList<ObjectShape> Operations { get; } = [.. TransformCatalog.All.Select(transform =>
        Rules(transform, new ObjectShape(transform.Name, [Name(transform), .. Parameters(transform), s_input with { Doc = "What it reads; by default the value of the operation before." }])
        {
            Doc = transform.Doc + ".",
        }))];

    /// <summary>A step with operations in a row.</summary>
    public static ObjectShape Row { get; } = CommonShapes.Of(
        "transform",
        Doc,
        [s_input, new("operations", new ListShape(new OperationShape(), 1, 50), "Operations in a row, each on the value of the one before.") { IsRequired = true }]) with
    {
        Title = "transform step with operations in a row",
        Refused = new Dictionary<string, string> { ["operation"] = "'operation' and 'operations' exclude each other." },
    };

    /// <summary>The step with that operation; null when there is no such operation.</summary>
    public static ObjectShape? Find(string? operation) => All.FirstOrDefault(shape => NameOf(shape) == operation);

    /// <summary>The member of <c>operations</c> with that operation; null when there is no such operation.</summary>
    public static ObjectShape? FindOperation(string? operation) => Operations.FirstOrDefault(shape => NameOf(shape) == operation);

    private static ObjectShape Step(Transform transform) => Rules(transform, CommonShapes.Of(
        "transform", $"{transform.Doc}.", [Name(transform), s_input with { Doc = $"What it reads: {transform.Input}; by default the output of the step before." }, .. Parameters(transform)]) with
    {
        Title = $"transform step: {transform.Name}",
    });

    private static ObjectShape Rules(Transform transform, ObjectShape shape) => shape with
    {
        MissingCode = IssueCodes.MissingParameter,
        AtLeastOneOf = transform.ExactlyOneOf,
        AtMostOneOf = transform.ExactlyOneOf.Count > 0 ? [transform.ExactlyOneOf] : [],
    };

    private static PropertyShape Name(Transform transform) => new("operation", Forms.Choice(transform.Name), $"{transform.Doc}.") { IsRequired = true };

    private static string NameOf(ObjectShape shape) => ((TextShape)shape.Find("operation")!.Value).Choices[0];

    private static IEnumerable<PropertyShape> Parameters(Transform transform) => transform.Parameters.Select(parameter =>
        new PropertyShape(parameter.Name, Value(parameter) with { OrTemplate = parameter.IsResolvedBefore }, $"{parameter.Doc}.")
        {
            IsRequired = parameter.IsRequired,
            Default = parameter.Default,
            MissingCode = IssueCodes.MissingParameter,
        });

    private static ValueShape Value(TransformParameter parameter)
    {
        TextUse expression = parameter.Name == "condition" ? TextUse.ItemCondition : TextUse.ItemExpression;
        return parameter.Kind switch
        {
            TransformParameterKind.Text => new TextShape(TextUse.Template),
            TransformParameterKind.LiteralText => Forms.Filled(),
            TransformParameterKind.TemplateText => new TextShape(TextUse.TransformTemplate),
            TransformParameterKind.Expression => Forms.Filled(expression),
            TransformParameterKind.ExpressionOrList => new EitherShape(Forms.Filled(expression), new ListShape(SortKey, 1, 20)),
            TransformParameterKind.ItemValue => new AnyShape(TextUse.ItemTemplate),
            TransformParameterKind.Flag => new FlagShape(),
            TransformParameterKind.WholeNumber => new NumberShape(parameter.Minimum, parameter.Maximum == int.MaxValue ? long.MaxValue : parameter.Maximum, true),
            TransformParameterKind.Choice => Forms.Choice(parameter.Choices),
            TransformParameterKind.Names => new ListShape(new TextShape(TextUse.Template), 0, int.MaxValue),
            TransformParameterKind.List => new ListShape(new AnyShape(), 0, int.MaxValue),
            TransformParameterKind.Variables => new MapShape(new AnyShape()),
            TransformParameterKind.Paths => new MapShape(Forms.Filled(TextUse.Template)),
            TransformParameterKind.Headings => new MapShape(new EitherShape(
                Forms.Filled(TextUse.Template), new ListShape(Forms.Filled(TextUse.Template), 1, int.MaxValue))),
            TransformParameterKind.NameOrNumber => new EitherShape(new NumberShape(0, int.MaxValue, true), Forms.Filled(TextUse.Template)),
            TransformParameterKind.Schema => new SchemaShape(IssueCodes.InvalidSchema),
            _ => new AnyShape(),
        };
    }

    private static ObjectShape SortKey => new(
        "a sort key",
        [
            new("by", Forms.Filled(TextUse.ItemExpression), "What to compare.") { IsRequired = true },
            new("direction", Forms.Choice("asc", "desc"), "asc: the least first; desc: the greatest first.") { Default = "\"asc\"" },
        ]);
}

/// <summary>A member of <c>operations</c>: one of <see cref="TransformShapes.Operations"/>, by its <c>operation</c>.</summary>
internal sealed record OperationShape : ValueShape
{
    /// <inheritdoc/>
    public override string Expected => "an operation (an object)";
}
