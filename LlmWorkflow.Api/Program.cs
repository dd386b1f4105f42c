using LlmWorkflow.Api;
using LlmWorkflow.Engine;
using LlmWorkflow.ServiceDefaults;

ProcessLimits.Apply();
try
{
    await using var app = ApiHost.Build(args);
    await app.RunAsync();
    return 0;
}
catch (SettingsException exception)
{
    await Console.Error.WriteLineAsync(exception.Message);
    return 1;
}
