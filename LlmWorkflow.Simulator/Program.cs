using LlmWorkflow.Simulator;

await using var app = SimulatorHost.Create(args);
await app.RunAsync();
