namespace LlmWorkflow.Engine.Diagnostics;

/// <summary>Every value of <see cref="WorkflowError.Type"/>.</summary>
public static class ErrorTypes
{
    /// <summary>The request body or a parameter is wrong.</summary>
    public const string InvalidRequest = "InvalidRequest";

    /// <summary>The input breaks the workflow's <c>input_schema</c>.</summary>
    public const string InvalidInput = "InvalidInput";

    /// <summary>No workflow of that name.</summary>
    public const string UnknownWorkflow = "UnknownWorkflow";

    /// <summary>No job of that id (for this caller).</summary>
    public const string UnknownJob = "UnknownJob";

    /// <summary>The idempotency key was used before with another body.</summary>
    public const string IdempotencyConflict = "IdempotencyConflict";

    /// <summary>The webhook URL is malformed or leads to an address that is not allowed.</summary>
    public const string InvalidWebhookUrl = "InvalidWebhookUrl";

    /// <summary>The workflow's definition is invalid.</summary>
    public const string InvalidDefinition = "InvalidDefinition";

    /// <summary>A path or expression could not be evaluated.</summary>
    public const string ExpressionError = "ExpressionError";

    /// <summary>A prompt could not be rendered.</summary>
    public const string PromptError = "PromptError";

    /// <summary>A transform met a value that it cannot work on.</summary>
    public const string TransformError = "TransformError";

    /// <summary>A setting or key is missing; the message names it.</summary>
    public const string MissingSetting = "MissingSetting";

    /// <summary>A setting or key cannot be used; the message names it.</summary>
    public const string InvalidSetting = "InvalidSetting";

    /// <summary>No provider of that name is registered.</summary>
    public const string UnknownProvider = "UnknownProvider";

    /// <summary>No such external service or operation.</summary>
    public const string UnknownService = "UnknownService";

    /// <summary>A file under <c>services/</c> is invalid.</summary>
    public const string InvalidServiceFile = "InvalidServiceFile";

    /// <summary>A parameter of a service's operation is missing, unknown or out of bounds, or the service does not know or take its value.</summary>
    public const string InvalidParameter = "InvalidParameter";

    /// <summary>The provider refused the credentials.</summary>
    public const string AuthenticationFailed = "AuthenticationFailed";

    /// <summary>Upstream says: too many requests.</summary>
    public const string RateLimited = "RateLimited";

    /// <summary>A quota or spend limit is used up; waiting does not help.</summary>
    public const string QuotaExceeded = "QuotaExceeded";

    /// <summary>Upstream did not answer in time.</summary>
    public const string UpstreamTimeout = "UpstreamTimeout";

    /// <summary>Upstream refused the request as wrong.</summary>
    public const string UpstreamBadRequest = "UpstreamBadRequest";

    /// <summary>The prompt is longer than the model takes.</summary>
    public const string ContextTooLong = "ContextTooLong";

    /// <summary>The provider's content filter stopped the call.</summary>
    public const string ContentFiltered = "ContentFiltered";

    /// <summary>The provider is overloaded (for example Anthropic 529).</summary>
    public const string Overloaded = "Overloaded";

    /// <summary>Calls of the provider failed again and again; it is left alone for a while.</summary>
    public const string CircuitOpen = "CircuitOpen";

    /// <summary>Upstream failed with a server error.</summary>
    public const string UpstreamServerError = "UpstreamServerError";

    /// <summary>The connection failed or broke.</summary>
    public const string NetworkError = "NetworkError";

    /// <summary>Upstream answered something that cannot be read.</summary>
    public const string InvalidResponse = "InvalidResponse";

    /// <summary>A model's reply is not the JSON that the step asked for, and could not be mended.</summary>
    public const string InvalidOutput = "InvalidOutput";

    /// <summary>The step ran longer than its <c>timeout_seconds</c>.</summary>
    public const string StepTimeout = "StepTimeout";

    /// <summary>The job ran longer than its <c>timeout_seconds</c>.</summary>
    public const string JobTimeout = "JobTimeout";

    /// <summary>Nobody sent the signal of an <c>approval</c> within its <c>timeout_seconds</c>.</summary>
    public const string ApprovalTimeout = "ApprovalTimeout";

    /// <summary>A step's output or number of items is beyond the limit.</summary>
    public const string LimitExceeded = "LimitExceeded";

    /// <summary>A signal of that name was sent before, with another payload.</summary>
    public const string SignalConflict = "SignalConflict";

    /// <summary>The cap on cost is not one that can be raised, or not to that amount.</summary>
    public const string BudgetConflict = "BudgetConflict";

    /// <summary>The job has ended.</summary>
    public const string JobEnded = "JobEnded";

    /// <summary>The job was cancelled.</summary>
    public const string Cancelled = "Cancelled";

    /// <summary>The cap on cost would be exceeded.</summary>
    public const string BudgetExceeded = "BudgetExceeded";

    /// <summary>There is a cap on cost, and the price book does not know the model.</summary>
    public const string UnpricedModel = "UnpricedModel";

    /// <summary>The workers that ran the job died <c>max_retries</c> times.</summary>
    public const string WorkerCrashed = "WorkerCrashed";

    /// <summary>The database is away.</summary>
    public const string DatabaseUnavailable = "DatabaseUnavailable";

    /// <summary>A fault of this service.</summary>
    public const string InternalError = "InternalError";
}
