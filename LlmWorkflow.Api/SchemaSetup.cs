using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Storage;

namespace LlmWorkflow.Api;

/// <summary>Brings the tables up once the database answers, and keeps the workflow files fresh. The API serves meanwhile: without tables with 503.</summary>
internal sealed partial class SchemaSetup(Migrator migrator, WorkflowCatalog catalog, ApiOptions options, TimeProvider time, ILogger<SchemaSetup> logger)
    : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        catalog.Watch();
        while (options.MigrateOnStart && !stoppingToken.IsCancellationRequested)
        {
            try
            {
                await migrator.UpAsync(stoppingToken);
                return;
            }
            catch (Exception e) when (Database.IsTransient(e))
            {
                LogWaiting(e.Message);
            }

            await Task.Delay(Pause, time, stoppingToken);
        }
    }

    [LoggerMessage(3201, LogLevel.Warning, "Waiting for the database: {Reason}")]
    private partial void LogWaiting(string reason);
}
