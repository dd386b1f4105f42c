using LlmWorkflow.Engine;
using LlmWorkflow.ServiceDefaults;
using LlmWorkflow.Worker;

ProcessLimits.Apply();
try
{
    var builder = WebApplication.CreateBuilder(args);
    builder.AddServiceDefaults();
    builder.AddWorkflowStores();
    builder.AddWorker();
    builder.Settings().ThrowIfAny();

    await using var app = builder.Build();
    app.MapDefaultEndpoints();
    app.MapWorkerHealth();
    await app.RunAsync();
    return 0;
}
catch (SettingsException exception)
{
    await Console.Error.WriteLineAsync(exception.Message);
    return 1;
}
