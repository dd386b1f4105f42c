using LlmWorkflow.Engine.Definitions;

namespace LlmWorkflow.Engine.Steps;

/// <summary>Runs <c>parallel</c> steps.</summary>
internal sealed class ParallelStep : IStepExecutor
{
    public string Type => "parallel";

    public async Task<StepResult> ExecuteAsync(StepContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        var step = (ParallelStepDefinition)context.Step;
        var lanes = new ConcurrentLists(step.MaxConcurrency ?? step.Lanes.Count, step.FailFast);
        var results = await lanes.RunAsync(
            step.Lanes.Count,
            (index, stop) => context.RunStepsAsync(
                new()
                {
                    Segment = step.Lanes[index].Name,
                    Steps = step.Lanes[index].Steps,
                    Share = 1.0 / step.Lanes.Count,
                    Before = context.PreviousOutput,
                    AreVisibleAfterwards = true,
                    KeepsFailures = !step.FailFast,
                },
                stop),
            cancellationToken);
        return lanes.Ending(results) ?? StepOutput.Of(writer =>
        {
            writer.WriteStartObject();
            for (var i = 0; i < results.Count; i++)
            {
                writer.WritePropertyName(step.Lanes[i].Name);
                StepOutput.WriteOrNull(writer, results[i]!.Output);
            }

            writer.WriteEndObject();
        });
    }
}
