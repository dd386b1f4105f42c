using LlmWorkflow.Engine;
using LlmWorkflow.ServiceDefaults;
using LlmWorkflow.Worker;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddWorkflowStores();
builder.AddWorker();
builder.Settings().ThrowIfAny();

var app = builder.Build();
app.MapDefaultEndpoints();
await app.RunAsync();
