using LlmWorkflow.ServiceDefaults;
using LlmWorkflow.Simulator;

try
{
    await using var app = SimulatorHost.Create(args);
    await app.RunAsync();
    return 0;
}
catch (SettingsException exception)
{
    await Console.Error.WriteLineAsync(exception.Message);
    return 1;
}
