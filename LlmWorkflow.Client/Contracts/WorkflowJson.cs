using System.Text.Json;
using System.Text.Json.Serialization;

namespace LlmWorkflow.Client.Contracts;

/// <summary>JSON of the contracts: snake_case, nulls left out unless a field says otherwise.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    // A plan nests as deep as its workflow.
    MaxDepth = 1024)]
[JsonSerializable(typeof(SubmitRequest))]
[JsonSerializable(typeof(SubmitResponse))]
[JsonSerializable(typeof(CancelResponse))]
[JsonSerializable(typeof(SignalResponse))]
[JsonSerializable(typeof(BudgetRequest))]
[JsonSerializable(typeof(BudgetResponse))]
[JsonSerializable(typeof(IReadOnlyList<JobWait>))]
[JsonSerializable(typeof(JobStatusResponse))]
[JsonSerializable(typeof(JobEvent))]
[JsonSerializable(typeof(ValidateRequest))]
[JsonSerializable(typeof(ValidateResponse))]
[JsonSerializable(typeof(WorkflowListResponse))]
[JsonSerializable(typeof(WorkflowResponse))]
[JsonSerializable(typeof(UsageResponse))]
[JsonSerializable(typeof(DriftResponse))]
[JsonSerializable(typeof(CacheStatsResponse))]
[JsonSerializable(typeof(CacheClearResponse))]
[JsonSerializable(typeof(HealthResponse))]
[JsonSerializable(typeof(ProblemResponse))]
[JsonSerializable(typeof(ApiError))]
public sealed partial class WorkflowJson : JsonSerializerContext;
