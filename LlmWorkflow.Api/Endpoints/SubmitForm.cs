using System.Diagnostics;
using System.Text.Json;
using LlmWorkflow.Client.Contracts;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Submission;

namespace LlmWorkflow.Api.Endpoints;

/// <summary>Reads a submit's body field by field. All that is wrong with its form is found at once; what it means is the engine's to judge.</summary>
internal static class SubmitForm
{
    private const int LongestName = 255;
    private const int LongestUrl = 2048;
    private const int MostTags = 20;
    private const int LongestTag = 100;

    // numeric(20,12) takes eight digits before the point.
    internal const decimal LargestCost = 99_999_999;

    private static readonly string[] Fields =
    [
        "workflow_name", "input_data", "user_id", "username", "action", "webhook_url", "webhook_secret", "webhook_events", "priority", "run_at",
        "max_cost_usd", "debug_mode", "tags",
    ];

    private static readonly JsonElement EmptyInput = JsonElement.Parse("{}");

    /// <summary>The job; null when there are issues.</summary>
    /// <param name="body">The parsed body.</param>
    /// <param name="hasEscapes">Whether it holds <c>\u</c> at all: without, no string can hide what text columns cannot take.</param>
    /// <param name="idempotencyKey">The header; null: none.</param>
    /// <param name="scope">Whose key it is.</param>
    /// <param name="issues">All that is wrong.</param>
    public static SubmitJob? Read(JsonElement body, bool hasEscapes, string? idempotencyKey, string? scope, out IReadOnlyList<ProblemIssue> issues)
    {
        var fields = new FieldReader(body);
        issues = fields.Issues;
        if (body.ValueKind is not JsonValueKind.Object)
        {
            fields.Reject("", $"must be an object, not {FieldReader.Describe(body)}");
            return null;
        }

        if (hasEscapes)
        {
            TextFaults.Find(body, fields.Issues);
            if (fields.Issues.Count > 0)
            {
                return null;
            }
        }

        fields.RejectUnknown(Fields);
        var job = new SubmitJob
        {
            WorkflowName = fields.Text("workflow_name", 1, LongestName, required: true) ?? "",
            Input = fields.Object("input_data") ?? EmptyInput,
            UserId = fields.Id("user_id"),
            Username = fields.Text("username", 0, LongestName),
            Action = fields.Text("action", 0, LongestName),
            WebhookUrl = WebhookUrl(fields),
            WebhookSecret = fields.Text("webhook_secret", 8, 512),
            WebhookEvents = fields.Names("webhook_events", WebhookEvents.Final),
            Priority = (short)(fields.Whole("priority", 0, 10) ?? 5),
            RunAt = fields.Time("run_at"),
            MaxCostUsd = fields.Amount("max_cost_usd", LargestCost),
            DebugMode = fields.Flag("debug_mode") ?? false,
            Tags = fields.Texts("tags", MostTags, LongestTag),
            IdempotencyKey = idempotencyKey,
            IdempotencyScope = scope,
            TraceParent = Activity.Current?.Id,
        };
        if (job.IdempotencyKey is { } key && (string.IsNullOrWhiteSpace(key) || key.Length > LongestName || key.Any(c => c is < ' ' or > '~')))
        {
            fields.Issues.Add(new() { Parameter = "Idempotency-Key", Message = $"must be 1 to {LongestName} printable ASCII characters, not all blank" });
        }

        return fields.Issues.Count == 0 ? job : null;
    }

    /// <summary>The issues as one error.</summary>
    public static WorkflowError Error(IReadOnlyList<ProblemIssue> issues) =>
        ApiErrors.Invalid(string.Join("; ", issues.Take(5).Select(i => $"{i.Parameter ?? Name(i.Pointer)} {i.Message}"))
            + (issues.Count > 5 ? $"; and {issues.Count - 5} more." : "."));

    private static string Name(string? pointer) => string.IsNullOrEmpty(pointer) ? "the body" : pointer;

    // Only the form: where it leads is looked up by the engine.
    private static string? WebhookUrl(FieldReader fields)
    {
        var text = fields.Text("webhook_url", 1, LongestUrl);
        if (text is not null && !(Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && url.Host.Length > 0))
        {
            fields.Reject("webhook_url", "must be an absolute http:// or https:// URL");
        }

        return text;
    }
}
