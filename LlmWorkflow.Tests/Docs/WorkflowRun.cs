using System.Text.Json;
using LlmWorkflow.Engine;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Execution;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Providers.Gate;
using LlmWorkflow.Simulator;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace LlmWorkflow.Tests.Docs;

/// <summary>The simulator in this process, on a free port.</summary>
public sealed class SimulatedUpstreams : IAsyncLifetime
{
    private readonly WebApplication _simulator = SimulatorHost.Create("--urls", "http://127.0.0.1:0", "--Logging:LogLevel:Default", "Error");

    internal string Url => _simulator.Urls.First();

    public Task InitializeAsync() => _simulator.StartAsync();

    public async Task DisposeAsync()
    {
        await _simulator.StopAsync();
        await _simulator.DisposeAsync();
    }
}

/// <summary>Runs workflows of a folder in this process, without stores; upstreams are the simulator, waits are over at once.</summary>
internal sealed class WorkflowRun : IAsyncDisposable
{
    private readonly ServiceProvider _services;

    public WorkflowRun(string directory, SimulatedUpstreams upstreams)
    {
        _services = new ServiceCollection()
            .AddLogging()
            .AddSingleton(new Random(1))
            .AddSingleton<Func<SpendLimits>>(() => SpendLimits.None)
            .AddLlmWorkflowInProcess(options =>
            {
                options.WorkflowsDirectory = directory;
                options.OpenRouterApiKey = "key";
                options.OpenRouterBaseUrl = new Uri($"{upstreams.Url}/openrouter/api/v1");
                options.Variable = name => name == "GOOGLE_PLACES_BASE_URL" ? $"{upstreams.Url}/places" : "key";
            })
            .BuildServiceProvider();
    }

    public WorkflowCatalog Catalog => _services.GetRequiredService<WorkflowCatalog>();

    /// <summary>Runs to the end; a signal that has no payload here is never sent.</summary>
    public async Task<JobTransition> RunAsync(PinnedWorkflow workflow, string input, IReadOnlyDictionary<string, string> signals)
    {
        var json = JsonElement.Parse(input);
        Assert.Empty(InputSchema.Validate(workflow.Definition, json));
        var job = new JobIdentity { JobId = Guid.CreateVersion7(), WorkflowName = workflow.Definition.Name, DefinitionHash = workflow.Hash, Username = "ada" };
        var run = new InProcessRun(_services.GetRequiredService<JobRunner>(), _services.GetRequiredService<SkippableTime>(), skipWaits: true);
        return await run.RunAsync(
            job, json, RunObserver.None,
            (wait, _) => Task.FromResult(signals.TryGetValue(wait.Signal!, out var payload) ? JsonElement.Parse(payload) : (JsonElement?)null),
            CancellationToken.None);
    }

    public ValueTask DisposeAsync() => _services.DisposeAsync();
}
