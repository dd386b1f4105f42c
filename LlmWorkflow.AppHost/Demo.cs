namespace LlmWorkflow.AppHost;
internal sealed class Demo(HttpClient http)
{
    public Task<bool> RunAsync(CancellationToken cancellationToken) => Task.FromResult(http is not null);
}
