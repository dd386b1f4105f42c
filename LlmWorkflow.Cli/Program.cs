using LlmWorkflow.Cli;

return await CliApp.RunAsync(args, CliHost.OfProcess());
