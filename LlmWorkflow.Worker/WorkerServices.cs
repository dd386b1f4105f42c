using LlmWorkflow.Engine;
using LlmWorkflow.Engine.Queue;
using LlmWorkflow.ServiceDefaults;

namespace LlmWorkflow.Worker;

/// <summary>What this process runs, and its settings.</summary>
internal static class WorkerServices
{
    public static void AddWorker(this WebApplicationBuilder builder)
    {
        var settings = builder.Settings();
        var worker = new WorkerOptions();
        worker.Slots = settings.Whole("WORKER_SLOTS", worker.Slots, 1, 10_000);
        worker.Grace = settings.Seconds("WORKER_GRACE_SECONDS", worker.Grace, 3600);
        worker.MigrateOnStart = settings.Flag("MIGRATE_ON_START", worker.MigrateOnStart);
        builder.Services.Configure<WorkerOptions>(options =>
        {
            options.Slots = worker.Slots;
            options.Grace = worker.Grace;
            options.MigrateOnStart = worker.MigrateOnStart;
        });

        // The host must wait longer than the worker itself takes to leave: calls under way, hand-back, webhooks under way.
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = worker.Grace + TimeSpan.FromSeconds(15));
        builder.Services.AddLlmWorkflowEngine(EngineSettings.Read(settings.Text, builder.Environment.IsDevelopment(), settings.Reject));
        OwnSettings.RejectUnknown(settings, builder.Configuration);
        builder.Services.AddSingleton<JobConsumer>();
        builder.Services.AddHostedService<WorkerService>();
    }

    /// <summary><c>GET /health</c>: 200 while the worker holds a lease that it can trust, else 503.</summary>
    public static void MapWorkerHealth(this WebApplication app) => app.MapGet("/health", (WorkerLease lease, JobConsumer jobs) =>
    {
        var ok = lease.IsTrusted;
        var text = $$"""{"ok":{{(ok ? "true" : "false")}},"status":"{{(ok ? "healthy" : "unhealthy")}}","running":{{jobs.Running}}}""";
        return Results.Text(text, "application/json", statusCode: ok ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
    }).DisableHttpMetrics();
}
