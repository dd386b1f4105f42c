using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Execution;
using LlmWorkflow.Engine.ExternalServices;
using LlmWorkflow.Engine.ExternalServices.Caching;
using LlmWorkflow.Engine.ExternalServices.Pacing;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Maintenance;
using LlmWorkflow.Engine.Providers;
using LlmWorkflow.Engine.Providers.Gate;
using LlmWorkflow.Engine.Queue;
using LlmWorkflow.Engine.Steps;
using LlmWorkflow.Engine.Storage;
using LlmWorkflow.Engine.Submission;
using LlmWorkflow.Engine.Webhooks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace LlmWorkflow.Engine;

/// <summary>Every registration of the engine, in the order of the flow (docs/flow.md).</summary>
public static class EngineServices
{
    /// <summary>
    /// Adds the engine. The host brings <see cref="Npgsql.NpgsqlDataSource"/>, <see cref="StackExchange.Redis.IConnectionMultiplexer"/> and logging.
    /// </summary>
    public static IServiceCollection AddLlmWorkflowEngine(this IServiceCollection services, Action<EngineOptions> configure)
    {
        services.Configure(configure);
        services.TryAddSingleton(static provider => provider.GetRequiredService<IOptions<EngineOptions>>().Value);
        services.TryAddSingleton(TimeProvider.System);
        services.AddChance();
        return services.AddFleetCache().AddDefinitions().AddStorage().AddQueue().AddSubmission().AddExecution().AddMaintenance();
    }

    /// <summary>
    /// Adds what <see cref="InProcessRun"/> needs: the same definitions, steps and providers, over checkpoints and a ledger in memory. The host brings
    /// logging, and may bring its own <see cref="WorkflowCatalog"/>. A run finds only workflows that this catalog has loaded or pinned.
    /// </summary>
    public static IServiceCollection AddLlmWorkflowInProcess(this IServiceCollection services, Action<EngineOptions> configure)
    {
        services.Configure(configure);
        services.TryAddSingleton(static provider => provider.GetRequiredService<IOptions<EngineOptions>>().Value);
        services.TryAddSingleton<SkippableTime>();
        services.TryAddSingleton<TimeProvider>(static provider => provider.GetRequiredService<SkippableTime>());
        services.AddChance();
        services.TryAddSingleton<ICheckpointStore, InMemoryCheckpoints>();
        services.TryAddSingleton<ICallLedger, InMemoryCallLedger>();
        services.TryAddSingleton<WorkflowLoader>(static provider =>
        {
            var catalog = provider.GetRequiredService<WorkflowCatalog>();
            return (hash, _) => Task.FromResult(catalog.FindVersion(hash));
        });
        return services.AddDefinitions().AddLocalGate().AddLocalPacing().AddExecution();
    }

    // Only spreads delays and draws queues: nothing that has to be unguessable. The one that is safe for several threads: any other gives nothing but zeros once two
    // have met in it.
#pragma warning disable RS0030
    private static void AddChance(this IServiceCollection services) => services.TryAddSingleton(Random.Shared);
#pragma warning restore RS0030

    private static IServiceCollection AddDefinitions(this IServiceCollection services)
    {
        services.AddExternalServices();
        services.TryAddSingleton(static provider => new WorkflowCatalog(
            provider.GetRequiredService<IOptions<EngineOptions>>().Value.WorkflowsDirectory,
            () => KnownServices.Of(provider.GetRequiredService<ServiceCatalog>()),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<WorkflowCatalog>>()));
        services.TryAddSingleton<Func<PriceBook>>(static provider => () => provider.GetRequiredService<WorkflowCatalog>().Prices);
        services.TryAddSingleton<Func<SpendLimits>>(static provider => () => provider.GetRequiredService<WorkflowCatalog>().Limits);
        return services;
    }

    private static IServiceCollection AddStorage(this IServiceCollection services)
    {
        services.TryAddSingleton<Database>();
        services.TryAddSingleton<Migrator>();
        services.TryAddSingleton<DefinitionStore>();
        services.TryAddSingleton<JobStore>();
        services.TryAddSingleton<JobQueries>();
        services.TryAddSingleton<LeaseStore>();
        services.TryAddSingleton<QueueStore>();
        services.TryAddSingleton<SignalStore>();
        services.TryAddSingleton<BudgetStore>();
        services.TryAddSingleton<ICheckpointStore, CheckpointStore>();
        services.TryAddSingleton<ICallLedger, CostLedger>();
        services.TryAddSingleton<UsageReports>();
        return services;
    }

    private static IServiceCollection AddQueue(this IServiceCollection services)
    {
        services.TryAddSingleton<JobStream>();
        services.TryAddSingleton<JobEventBus>();
        services.TryAddSingleton<WorkerLease>();
        services.TryAddSingleton<JobLease>();
        services.TryAddSingleton<QueueSampler>();
        services.AddFleetPacing(static provider => () => provider.GetRequiredService<WorkerLease>().LiveWorkers);
        return services.AddFleetGate(static provider => () => provider.GetRequiredService<WorkerLease>().LiveWorkers);
    }

    private static IServiceCollection AddSubmission(this IServiceCollection services)
    {
        services.TryAddSingleton<JobSubmitter>();
        services.TryAddSingleton<JobControl>();
        services.TryAddSingleton<JobSignals>();
        services.TryAddSingleton<JobBudgets>();
        return services;
    }

    private static IServiceCollection AddExecution(this IServiceCollection services)
    {
        services.AddProviders();
        services.AddSingleton<IStepExecutor, LlmStep>();
        services.AddSingleton<IStepExecutor, ExternalApiStep>();
        services.AddSingleton<IStepExecutor, TransformStep>();
        services.AddSingleton<IStepExecutor, ConditionalStep>();
        services.AddSingleton<IStepExecutor, ParallelStep>();
        services.AddSingleton<IStepExecutor, ForeachStep>();
        services.AddSingleton<IStepExecutor, SubWorkflowStep>();
        services.AddSingleton<IStepExecutor, WaitStep>();
        services.AddSingleton<IStepExecutor, ApprovalStep>();
        services.TryAddSingleton<StepRunner>();
        services.TryAddSingleton<JobRunner>();
        services.TryAddSingleton<WorkflowLoader>(static provider =>
        {
            var catalog = provider.GetRequiredService<WorkflowCatalog>();
            var stored = provider.GetRequiredService<DefinitionStore>();
            return async (hash, cancellationToken) => catalog.FindVersion(hash)
                ?? (await stored.FindAsync(hash, cancellationToken) is { } found ? catalog.GetOrRestore(hash, found.Json, found.Prompts, found.Workflows) : null);
        });
        return services;
    }

    private static IServiceCollection AddMaintenance(this IServiceCollection services)
    {
        services.AddWebhooks();
        services.TryAddSingleton<JobRescuer>();
        services.TryAddSingleton<QueueSweeper>();
        services.TryAddSingleton<JobTimers>();
        services.TryAddSingleton<OpenCallStore>();
        services.TryAddSingleton<CallReconciler>();
        return services;
    }
}
