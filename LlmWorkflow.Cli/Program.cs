using LlmWorkflow.Cli;
using LlmWorkflow.Engine;

ProcessLimits.Apply();
return await CliApp.RunAsync(args, CliHost.OfProcess());
