namespace LlmWorkflow.Engine.Expressions;

/// <summary>A function of the language.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Signature">Name and parameters, the optional ones with <c>?</c>.</param>
/// <param name="Summary">What it gives, in one sentence.</param>
/// <param name="Example">A call with constants.</param>
/// <param name="Result">What the example gives, as JSON.</param>
internal sealed record ExpressionFunction(string Name, string Signature, string Summary, string Example, string Result);

/// <summary>The functions of the language.</summary>
internal static class ExpressionFunctions
{
    /// <summary>Every function, by name.</summary>
    public static IReadOnlyList<ExpressionFunction> All { get; } = [];
}
