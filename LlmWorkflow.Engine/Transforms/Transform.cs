using System.Text.Json;

namespace LlmWorkflow.Engine.Transforms;

/// <summary>An operation of transform steps: its function, and all that definitions may say about it.</summary>
/// <param name="Name">The value of <c>operation</c>.</param>
/// <param name="Doc">One line for authors, without a full stop.</param>
/// <param name="Apply">The function; it changes nothing outside.</param>
internal sealed record Transform(string Name, string Doc, Func<TransformCall, JsonElement> Apply)
{
    /// <summary>What its input must be, for example <c>an array</c>.</summary>
    public required string Input { get; init; }

    /// <summary>Its parameters, besides <c>operation</c> and <c>input</c>, in the order in which docs show them.</summary>
    public required IReadOnlyList<TransformParameter> Parameters { get; init; }

    /// <summary>Names of parameters of which exactly one must be given; empty when there is no such rule.</summary>
    public IReadOnlyList<string> ExactlyOneOf { get; init; } = [];
}
