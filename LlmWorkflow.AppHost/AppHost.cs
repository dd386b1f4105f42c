using LlmWorkflow.AppHost.Servers;

return args is ["server", .. var rest] ? await ServerCommand.RunAsync(rest) : 0;
