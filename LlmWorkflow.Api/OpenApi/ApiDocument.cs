using System.Globalization;
using System.Text.Json.Nodes;
using LlmWorkflow.Client.Contracts;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace LlmWorkflow.Api.OpenApi;

/// <summary>What the OpenAPI document says of each call beyond its parameters.</summary>
internal static class ApiDocument
{
    private const string Json = "application/json";

    private static readonly CallDocument Problems = new()
    {
        Summary = "",
        Responses = { [401] = (typeof(ProblemResponse), "No key, or a wrong one."), [500] = (typeof(ProblemResponse), "The service failed; `trace_id` finds it in the log."), [503] = (typeof(ProblemResponse), "The database is away; `Retry-After` says when to try again. Nothing was stored.") },
    };

    public static CallDocument Submit { get; } = new()
    {
        Summary = "Submit a job",
        Description = "Stores the job durably and answers at once. With an `Idempotency-Key` header a repeated request gives the first answer, and another body under the same key is refused.",
        Body = typeof(SubmitRequest),
        BodyExample = """
            {"workflow_name": "emergency_contacts", "input_data": {"city": "Austin", "state": "TX", "lat": 30.2672, "lng": -97.7431, "scenarios": ["tornado"], "family_size": 4}, "priority": 5, "webhook_url": "https://app.example.com/webhooks/llm", "tags": ["onboarding"]}
            """,
        Responses =
        {
            [202] = (typeof(SubmitResponse), "Stored; it will run."),
            [200] = (typeof(SubmitResponse), "The same request came before under this `Idempotency-Key`: the same job."),
            [400] = (typeof(ProblemResponse), "The body or a header is wrong; `errors` lists everything at once."),
            [404] = (typeof(ProblemResponse), "No workflow of that name; the nearest names are given."),
            [409] = (typeof(ProblemResponse), "The `Idempotency-Key` was used with another body."),
            [413] = (typeof(ProblemResponse), "The body is over 1 MiB."),
            [415] = (typeof(ProblemResponse), "The body is not JSON."),
            [422] = (typeof(ProblemResponse), "The input breaks the workflow's `input_schema`; `errors` has a JSON pointer for each fault."),
        },
        ResponseExample = (202, """
            {"job_id": "019aa5d2-7c1e-7b3f-9c0a-52f3a8a1d7e4", "celery_task_id": "019aa5d2-7c1e-7b3f-9c0a-52f3a8a1d7e4", "status": "queued", "workflow_name": "emergency_contacts", "estimated_wait_seconds": 0, "status_url": "/api/v1/jobs/019aa5d2-7c1e-7b3f-9c0a-52f3a8a1d7e4", "events_url": "/api/v1/jobs/019aa5d2-7c1e-7b3f-9c0a-52f3a8a1d7e4/events", "access_token": "AZql0nwe…", "created_at": "2026-11-21T10:00:00Z"}
            """),
    };

    public static CallDocument Status { get; } = new()
    {
        Summary = "Status of a job",
        Description = "The job as it is now, with its result once it is completed. Browsers may use `?access_token=` instead of a key.",
        AcceptsToken = true,
        Responses =
        {
            [200] = (typeof(JobStatusResponse), "The job."),
            [400] = (typeof(ProblemResponse), "An id is not a UUID."),
            [404] = (typeof(ProblemResponse), "No such job, or another user's."),
        },
    };

    public static CallDocument Events { get; } = new()
    {
        Summary = "Events of a job (SSE)",
        Description = """
            Server-sent events until the job ends. `job.*` and `step.*` are durable: their ids are numbers without gaps, and `Last-Event-ID` (or `last_event_id`) resumes after
            the one given. `llm.delta` (append), `llm.snapshot` (replace by the text so far) and `llm.reset` (clear: the step is called again) are best effort and have no id.
            A comment every 15 seconds keeps the connection open. 204: everything up to the end has been received.
            """,
        AcceptsToken = true,
        ContentType = "text/event-stream",
        Responses =
        {
            [200] = (typeof(JobEvent), "The stream; the data of each event is an object like this."),
            [204] = (null, "The job has ended and `Last-Event-ID` is its last event."),
            [400] = (typeof(ProblemResponse), "An id is malformed."),
            [404] = (typeof(ProblemResponse), "No such job, or another user's."),
        },
    };

    public static CallDocument Cancel { get; } = new()
    {
        Summary = "Cancel a job",
        Description = "Cancels at once what nobody runs yet; a running job is stopped by its worker within a second, the provider call in flight included. A job that has ended stays as it is.",
        Responses =
        {
            [200] = (typeof(CancelResponse), "It is cancelled, or had ended before."),
            [202] = (typeof(CancelResponse), "Its worker stops it."),
            [400] = (typeof(ProblemResponse), "An id is not a UUID."),
            [404] = (typeof(ProblemResponse), "No such job, or another user's."),
        },
    };

    public static CallDocument Budget { get; } = new()
    {
        Summary = "Raise the cap on a job's cost",
        Description = "A job that waits for the budget (`on_budget: pause`) goes on where it stood; a running job meets the new cap with its next call. With `step_path` the cap of a step is raised that has been started.",
        Body = typeof(BudgetRequest),
        BodyExample = """{"max_cost_usd": 2.5}""",
        Responses =
        {
            [200] = (typeof(BudgetResponse), "Raised."),
            [400] = (typeof(ProblemResponse), "The body is malformed."),
            [404] = (typeof(ProblemResponse), "No such job, or not this user's."),
            [409] = (typeof(ProblemResponse), "The job has ended, or has no such cap below the new one."),
        },
    };

    public static CallDocument Signal { get; } = new()
    {
        Summary = "Send a signal to a job",
        Description = "An `approval` step that waits for this signal goes on, and the body (any JSON up to 64 KiB, or none) is its output. A signal may come before its step; each name counts once.",
        Responses =
        {
            [202] = (typeof(SignalResponse), "Stored."),
            [200] = (typeof(SignalResponse), "The same signal with the same payload had come before."),
            [400] = (typeof(ProblemResponse), "An id or the name is malformed."),
            [404] = (typeof(ProblemResponse), "No such job, or another user's."),
            [409] = (typeof(ProblemResponse), "The job has ended, or the signal was sent with another payload."),
            [413] = (typeof(ProblemResponse), "The payload is over 64 KiB."),
        },
    };

    public static CallDocument Health { get; } = new()
    {
        Summary = "Health",
        Description = "`degraded` without Redis or without workers: jobs are taken and wait. Needs no key; answers within two seconds whatever hangs.",
        Tag = "Health",
        NeedsKey = false,
        Responses = { [200] = (typeof(HealthResponse), "It takes jobs."), [503] = (typeof(HealthResponse), "The database is away.") },
    };

    /// <summary>Documents calls that do the same.</summary>
    public static void Describe(this IReadOnlyList<RouteHandlerBuilder> calls, CallDocument document)
    {
        foreach (var call in calls)
        {
            call.Describe(document);
        }
    }

    /// <summary>Documents one call.</summary>
    public static void Describe(this RouteHandlerBuilder call, CallDocument document) =>
        call.WithSummary(document.Summary).WithDescription(document.Description).WithTags(document.Tag).WithMetadata(document);

    internal static async Task ApplyAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        if (context.Description.ActionDescriptor.EndpointMetadata.OfType<CallDocument>().FirstOrDefault() is not { } document)
        {
            return;
        }

        if (document.Body is not null)
        {
            operation.RequestBody = new OpenApiRequestBody { Required = true, Content = new Dictionary<string, OpenApiMediaType> { [Json] = await BodyAsync(document.Body, document.BodyExample) } };
        }

        operation.Responses = [];
        foreach (var (status, (type, text)) in document.Responses.Concat(document.NeedsKey ? Problems.Responses : []).OrderBy(r => r.Key))
        {
            var response = new OpenApiResponse { Description = text };
            if (type is not null)
            {
                var contentType = type == typeof(ProblemResponse) ? ProblemDetailsMapping.ContentType : document.ContentType;
                var example = document.ResponseExample is { } given && given.Status == status ? given.Text : null;
                response.Content = new Dictionary<string, OpenApiMediaType> { [contentType] = await BodyAsync(type, example) };
            }

            operation.Responses[status.ToString(CultureInfo.InvariantCulture)] = response;
        }

        operation.Security = document.NeedsKey ? SecuritySchemes.For(context.Document!, document.AcceptsToken) : [];

        async Task<OpenApiMediaType> BodyAsync(Type type, string? example) => new()
        {
            Schema = await SchemaAsync(type),
            Example = example is null ? null : JsonNode.Parse(example),
        };

        async Task<IOpenApiSchema> SchemaAsync(Type type)
        {
            var schema = await context.GetOrCreateSchemaAsync(type, cancellationToken: cancellationToken);
            if (type == typeof(string))
            {
                return schema;
            }

            NestedSchemas.Link(schema, context.Document!);
            context.Document!.AddComponent(type.Name, schema);
            return new OpenApiSchemaReference(type.Name, context.Document);
        }
    }
}

/// <summary>Endpoint metadata: what the document says of a call.</summary>
internal sealed record CallDocument
{
    public required string Summary { get; init; }

    public string Description { get; init; } = "";

    public Type? Body { get; init; }

    public string? BodyExample { get; init; }

    public string Tag { get; init; } = "Jobs";

    public bool NeedsKey { get; init; } = true;

    public bool AcceptsToken { get; init; }

    public string ContentType { get; init; } = "application/json";

    public Dictionary<int, (Type? Type, string Text)> Responses { get; } = [];

    public (int Status, string Text)? ResponseExample { get; init; }
}
