namespace LlmWorkflow.Engine.Steps;

/// <summary>Runs one step type. Implementations are stateless singletons.</summary>
public interface IStepExecutor
{
    /// <summary>The value of <c>type</c> in a definition.</summary>
    string Type { get; }

    /// <summary>
    /// Runs the step once. Expected failures are results; <see cref="OperationCanceledException"/> is thrown only when
    /// <paramref name="cancellationToken"/> asked for it (cancel, timeout, shutdown or a lost lease: the caller knows which).
    /// </summary>
    Task<StepResult> ExecuteAsync(StepContext context, CancellationToken cancellationToken);
}
