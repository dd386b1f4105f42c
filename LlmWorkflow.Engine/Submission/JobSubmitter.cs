using System.Security.Cryptography;
using System.Text;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.ExternalServices;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Queue;
using LlmWorkflow.Engine.Storage;
using Microsoft.Extensions.Options;
using Npgsql;

namespace LlmWorkflow.Engine.Submission;

/// <summary>Checks what a job means, stores it, and wakes a worker. When <see cref="SubmitAsync"/> returns an acceptance, the job is durable.</summary>
public sealed class JobSubmitter(
    WorkflowCatalog catalog, DestinationGuard guard, SecretBox secrets, DefinitionStore definitions, JobStore jobs, JobStream stream,
    IOptions<EngineOptions> options)
{
    /// <summary>Stores the job, or says all that is wrong with it.</summary>
    public async Task<SubmitResult> SubmitAsync(SubmitJob job, CancellationToken cancellationToken)
    {
        if (catalog.Find(job.WorkflowName) is not { } workflow)
        {
            return Rejected(UnknownWorkflow(job.WorkflowName));
        }

        if (InputSchema.Validate(workflow.Definition, job.Input) is { Count: > 0 } issues)
        {
            return new SubmitResult.Rejected(InvalidInput(job.WorkflowName, issues), issues);
        }

        if (job.WebhookUrl is { } url && await guard.ResolveAsync(url, options.Value.AllowPrivateWebhooks, cancellationToken) is { } problem)
        {
            return Rejected(InvalidWebhook(problem));
        }

        var row = ToRow(job, workflow);
        return await StoreAsync(row, workflow, cancellationToken) switch
        {
            { Repeated: true } earlier when earlier.RequestHash != row.RequestHash => Rejected(Conflict()),
            { Repeated: true } earlier => new SubmitResult.Accepted(earlier.JobId, earlier.Status, earlier.CreatedAt, Repeated: true),
            var stored => Accept(stored, job.Priority),
        };
    }

    private SubmitResult.Accepted Accept(InsertedJob stored, short priority)
    {
        if (stored.Status is JobStatus.Queued)
        {
            // Not awaited: the job is accepted already, and a slow Redis must not slow the answer. The sweep makes up for a lost add.
            _ = stream.AddAsync([new(stored.JobId, priority)]);
        }

        return new(stored.JobId, stored.Status, stored.CreatedAt, Repeated: false);
    }

    private async Task<InsertedJob> StoreAsync(NewJob row, PinnedWorkflow workflow, CancellationToken cancellationToken)
    {
        var definition = new StoredDefinition(
            workflow.Hash, workflow.Definition.Name, workflow.Json, workflow.Prompts, workflow.Workflows.ToDictionary(sub => sub.Key, sub => sub.Value.Json));
        await definitions.EnsureAsync(definition, cancellationToken);
        try
        {
            return await jobs.InsertAsync(row, cancellationToken);
        }
        catch (PostgresException e) when (e.ConstraintName is "llm_workflow_jobs_user")
        {
            throw new WorkflowException(UnknownUser(row.Identity.UserId));
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.ForeignKeyViolation)
        {
            // The database was emptied under us: what this process knows to be stored is gone.
            definitions.Forget(workflow.Hash);
            await definitions.EnsureAsync(definition, cancellationToken);
            return await jobs.InsertAsync(row, cancellationToken);
        }
    }

    private NewJob ToRow(SubmitJob job, PinnedWorkflow workflow) => new()
    {
        Identity = new()
        {
            JobId = Guid.CreateVersion7(),
            WorkflowName = workflow.Definition.Name,
            DefinitionHash = workflow.Hash,
            UserId = job.UserId,
            Username = job.Username,
            Action = job.Action,
            Priority = job.Priority,
            TraceParent = job.TraceParent,
            DebugMode = job.DebugMode,
            MaxCostUsd = job.MaxCostUsd ?? workflow.Definition.MaxCostUsd,
        },
        Input = job.Input,
        Event = EngineJson.Object(writer => writer.WriteString("workflow_name", workflow.Definition.Name)),
        RunAt = job.RunAt,
        Tags = job.Tags,
        MaxRetries = options.Value.MaxRetries,
        Webhook = job.WebhookUrl is { } url ? new(url, job.WebhookEvents is [] ? WebhookEvents.Final : job.WebhookEvents) : null,
        WebhookSecret = job.WebhookSecret is { } secret ? secrets.Seal(secret) : null,
        IdempotencyKey = job.IdempotencyKey,
        IdempotencyScope = job.IdempotencyKey is null ? null : job.IdempotencyScope ?? "",
        RequestHash = job.IdempotencyKey is null ? null : RequestHash(job),
    };

    // Everything that makes it another request; the trace is not part of it.
    private static string RequestHash(SubmitJob job)
    {
        string?[] parts =
        [
            job.WorkflowName, job.Input.GetRawText(), job.UserId?.ToString(), job.Username, job.Action, $"{job.Priority}",
            $"{job.RunAt?.UtcDateTime:O}", $"{job.MaxCostUsd}", $"{job.DebugMode}", string.Join('\n', job.Tags), job.WebhookUrl, job.WebhookSecret,
            string.Join('\n', job.WebhookEvents),
        ];
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\0', parts.Select(p => $"{p?.Length}:{p}")))));
    }

    private static SubmitResult.Rejected Rejected(WorkflowError error) => new(error, []);

    private WorkflowError UnknownWorkflow(string name)
    {
        var nearest = NearestNames.Find(name, catalog.Names);
        var known = nearest is [] ? "" : $" Did you mean {string.Join(" or ", nearest.Select(n => $"'{n}'"))}?";
        return new()
        {
            Type = ErrorTypes.UnknownWorkflow,
            Category = ErrorCategory.User,
            Message = $"There is no workflow '{Redactor.Text(name)}'.{known}",
            Details = new() { Suggestions = catalog.Names is [] ? ["No workflow is loaded: /health says why."]
                : nearest is [] ? [$"Workflows: {string.Join(", ", catalog.Names)}."] : [.. nearest.Select(n => $"Use '{n}'.")] },
        };
    }

    private static WorkflowError InvalidInput(string workflow, IReadOnlyList<InputIssue> issues) => new()
    {
        Type = ErrorTypes.InvalidInput,
        Category = ErrorCategory.User,
        Message = $"input_data breaks the input_schema of workflow '{workflow}' in {issues.Count} {(issues.Count == 1 ? "place" : "places")}.",
        Details = new() { Suggestions = [.. issues.Take(10).Select(i => $"{(i.Pointer.Length == 0 ? "input_data" : i.Pointer)}: {i.Message}")] },
    };

    private static WorkflowError InvalidWebhook(string problem) => new()
    {
        Type = ErrorTypes.InvalidWebhookUrl,
        Category = ErrorCategory.User,
        Message = $"webhook_url {problem}.",
        Details = new() { Suggestions = ["Give a public http or https URL.", "To allow private addresses, the operator sets WEBHOOK_ALLOW_PRIVATE=true."] },
    };

    private static WorkflowError Conflict() => new()
    {
        Type = ErrorTypes.IdempotencyConflict,
        Category = ErrorCategory.User,
        Message = "The Idempotency-Key was used before with another body.",
        Details = new() { Suggestions = ["Use a new key for a new request.", "Repeat the first request unchanged to get its job."] },
    };

    private static WorkflowError UnknownUser(Guid? userId) => new()
    {
        Type = ErrorTypes.InvalidRequest,
        Category = ErrorCategory.User,
        Message = $"user_id {userId} is not in the main app's table 'profiles'.",
        Details = new() { Suggestions = ["Give the id of an existing user, or leave user_id out."] },
    };
}
