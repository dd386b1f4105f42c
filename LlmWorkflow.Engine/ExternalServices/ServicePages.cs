using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.ExternalServices;

/// <summary>Makes the requests of an operation, one or several pages, and maps what came.</summary>
/// <param name="ask">Asks for one page: a reply that is a success, or an error, and the HTTP status (0: no reply).</param>
internal sealed class ServicePages(
    Func<ServiceDefinition, string, ServiceRequest, DateTimeOffset?, CancellationToken, Task<(ServiceReply? Reply, WorkflowError? Error, int Status)>> ask)
{
    /// <summary>Most bytes of JSON of all pages together.</summary>
    public const int MaxSize = 8 * 1024 * 1024;

    // What is given when the file says nothing.
    private static readonly JsonElement s_found = JsonElement.Parse("""{"items": "${items}", "pages": "${pages}", "complete": "${complete}"}""");

    /// <summary>Makes the call. Failures are outcomes; one page that fails fails the call.</summary>
    /// <param name="service">The service.</param>
    /// <param name="operation">One of its operations.</param>
    /// <param name="parameters">Checked.</param>
    /// <param name="variable">Value of an environment variable.</param>
    /// <param name="deadline">When the caller gives up; null: never.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async Task<ServiceOutcome> AskAsync(
        ServiceDefinition service, string operation, JsonElement parameters, Func<string, string?> variable, DateTimeOffset? deadline, CancellationToken cancellationToken)
    {
        var definition = service.Operations[operation];
        try
        {
            return definition.Pagination is { } paging
                ? await AllAsync(service, operation, paging, parameters, variable, deadline, cancellationToken)
                : await OneAsync(service, operation, parameters, variable, deadline, cancellationToken);
        }
        catch (WorkflowException exception)
        {
            return new ServiceOutcome { Error = exception.Error };
        }
    }

    private async Task<ServiceOutcome> OneAsync(
        ServiceDefinition service, string operation, JsonElement parameters, Func<string, string?> variable, DateTimeOffset? deadline, CancellationToken cancellationToken)
    {
        var request = ServiceRequest.Build(service, operation, parameters, null, variable);
        var (reply, error, status) = await ask(service, operation, request, deadline, cancellationToken);
        return reply is null
            ? new ServiceOutcome { Error = error, StatusCode = status }
            : Mapped(service.Operations[operation].Response, reply, parameters, request.Key);
    }

    private async Task<ServiceOutcome> AllAsync(
        ServiceDefinition service, string operation, ServicePaging paging, JsonElement parameters, Func<string, string?> variable, DateTimeOffset? deadline,
        CancellationToken cancellationToken)
    {
        var found = new FoundItems(PageReader.Limit(paging, parameters), MaxSize);
        var page = ServicePage.First;
        HashSet<string> seen = new(StringComparer.Ordinal);
        while (true)
        {
            var request = ServiceRequest.Build(service, operation, parameters, page, variable);
            var (reply, error, status) = await ask(service, operation, request, deadline, cancellationToken);
            if (reply is null)
            {
                return new ServiceOutcome { Error = error, StatusCode = status };
            }

            var next = PageReader.Next(paging, page, reply, request, found, parameters);
            if (next.Error is not null)
            {
                return new ServiceOutcome { Error = next.Error, StatusCode = reply.Status };
            }

            var isComplete = next.Page is null && !found.IsCut;
            if (next.Page is null || found.IsFull || page.Number >= paging.MaxPages)
            {
                return Finish(service.Operations[operation].Response, reply, parameters, request.Key, found, page.Number, isComplete);
            }

            // The same place again would go round for ever, and what comes is not the list.
            var place = next.Page.Url?.AbsoluteUri ?? (next.Page.Next.ValueKind == JsonValueKind.Undefined ? null : JsonValues.ToJson(next.Page.Next));
            if (place is not null && !seen.Add(place))
            {
                return new ServiceOutcome { Error = ServiceErrors.Pages("it gives the same next page twice"), StatusCode = reply.Status };
            }

            page = next.Page;
        }
    }

    private static ServiceOutcome Finish(
        JsonElement template, ServiceReply reply, JsonElement parameters, string? key, FoundItems found, int pages, bool isComplete) => Mapped(
            template.ValueKind == JsonValueKind.Undefined ? s_found : template,
            reply,
            parameters,
            key,
            KeyValuePair.Create("items", found.ToJson()),
            KeyValuePair.Create("pages", JsonValues.Number(pages)),
            KeyValuePair.Create("complete", isComplete ? JsonValues.True : JsonValues.False));

    private static ServiceOutcome Mapped(
        JsonElement template, ServiceReply reply, JsonElement parameters, string? key, params ReadOnlySpan<KeyValuePair<string, JsonElement>> more)
    {
        try
        {
            var values = new ServiceTemplate([
                KeyValuePair.Create("response", reply.Body), KeyValuePair.Create("status", JsonValues.Number(reply.Status)), KeyValuePair.Create("params", parameters), .. more,
            ]);
            var data = template.ValueKind == JsonValueKind.Undefined ? reply.Body : values.Fill(template);
            return new ServiceOutcome { StatusCode = reply.Status, Data = data.ValueKind == JsonValueKind.Undefined ? JsonValues.Null : data };
        }
        catch (WorkflowException exception)
        {
            return new ServiceOutcome { StatusCode = reply.Status, Error = ServiceErrors.Unreadable("'response'", Redactor.Text(exception.Error.Message, key)) };
        }
    }
}
