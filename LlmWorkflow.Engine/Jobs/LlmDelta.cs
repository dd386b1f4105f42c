namespace LlmWorkflow.Engine.Jobs;

/// <summary>A piece of streamed text.</summary>
/// <param name="StepPath">The step that streams: several may at once.</param>
/// <param name="Call">The call's ordinal within the step: a higher one means that the text starts again.</param>
/// <param name="Text">The piece.</param>
public readonly record struct LlmDelta(string StepPath, int Call, string Text);
