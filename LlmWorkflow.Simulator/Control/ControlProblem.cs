namespace LlmWorkflow.Simulator.Control;

/// <summary>A refused control request: RFC 9457, with every fault in <c>errors</c>.</summary>
internal sealed record ControlProblem(string Type, string Title, int Status, string Detail, IReadOnlyList<string> Errors)
{
    public static ControlProblem Of(IReadOnlyList<string> errors) =>
        new("about:blank", "The request is not valid.", StatusCodes.Status400BadRequest, string.Join(' ', errors), errors);
}
