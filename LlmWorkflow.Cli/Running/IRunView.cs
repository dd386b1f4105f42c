using LlmWorkflow.Engine.Jobs;

namespace LlmWorkflow.Cli.Running;

/// <summary>Shows a run while it goes on: as lines, or live on a terminal. Disposed, it has shown all.</summary>
internal interface IRunView : IAsyncDisposable
{
    /// <summary>The run begins.</summary>
    void Start();

    /// <summary>Something happened.</summary>
    /// <param name="told">What.</param>
    /// <param name="step">The step that it is about; null: the job.</param>
    void Show(JobEvent told, ShownStep? step);

    /// <summary>Leaves the terminal to a question, and takes it back.</summary>
    Task<T> PauseAsync<T>(Func<Task<T>> ask);
}
