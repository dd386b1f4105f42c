using System.Runtime.InteropServices;
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
            : Mapped(service.Operations[operation].Response, reply, parameters, request.Key, reply.Body);
    }

    private async Task<ServiceOutcome> AllAsync(
        ServiceDefinition service, string operation, ServicePaging paging, JsonElement parameters, Func<string, string?> variable, DateTimeOffset? deadline,
        CancellationToken cancellationToken)
    {
        var found = new FoundItems(Limit(paging, parameters));
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

            var next = Next(paging, page, reply, request, found, parameters);
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

    private static int? Limit(ServicePaging paging, JsonElement parameters) =>
        paging.MaxItems is { } limit && new ServiceTemplate(KeyValuePair.Create("params", parameters)).Evaluate(limit) is { ValueKind: JsonValueKind.Number } number
            && number.TryGetDouble(out var most)
            ? (int)Math.Clamp(most, 0, int.MaxValue)
            : null;

    // Takes a page's items; the page after it, or null when it was the last.
    private static (ServicePage? Page, WorkflowError? Error) Next(
        ServicePaging paging, ServicePage page, ServiceReply reply, ServiceRequest request, FoundItems found, JsonElement parameters)
    {
        var values = new ServiceTemplate(
            KeyValuePair.Create("response", reply.Body), KeyValuePair.Create("status", JsonValues.Number(reply.Status)), KeyValuePair.Create("params", parameters));
        JsonElement items;
        JsonElement next;
        try
        {
            items = values.Evaluate(paging.Items);
            next = (paging.Next ?? paging.NextUrl) is { } expression ? values.Evaluate(expression) : default;
        }
        catch (WorkflowException exception)
        {
            return (null, ServiceErrors.Unreadable("'pagination'", Redactor.Text(exception.Error.Message, request.Key)));
        }

        if (items.ValueKind is not JsonValueKind.Array && !items.IsMissingOrNull())
        {
            return (null, ServiceErrors.Pages($"'{paging.Items}' gives {items.KindName()}, not a list"));
        }

        var count = items.ValueKind == JsonValueKind.Array ? items.GetArrayLength() : 0;
        if (!found.Add(items))
        {
            return (null, ServiceErrors.TooLarge(MaxSize));
        }

        var after = page with { Number = page.Number + 1, Offset = page.Offset + count, Next = next, Url = null };
        if (paging.Next is null && paging.NextUrl is null)
        {
            return (count == 0 || count < paging.PageSize ? null : after, null);
        }

        if (next.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null or JsonValueKind.False || next is { ValueKind: JsonValueKind.String } && next.ValueEquals(""))
        {
            return (null, null);
        }

        return paging.NextUrl is null ? (after, null) : Follow(next, request, after);
    }

    private static (ServicePage? Page, WorkflowError? Error) Follow(JsonElement next, ServiceRequest request, ServicePage after)
    {
        if (next.ValueKind != JsonValueKind.String || !Uri.TryCreate(request.Url, next.GetString(), out var url))
        {
            return (null, ServiceErrors.Pages("the next page's URL is none"));
        }

        // The key goes along: only where it goes anyway.
        return url.Scheme == request.Url.Scheme && url.IdnHost == request.Url.IdnHost && url.Port == request.Url.Port && url.UserInfo.Length == 0
            ? (after with { Url = url }, null)
            : (null, ServiceErrors.Pages($"the next page is at another host ({Redactor.Text(url.GetLeftPart(UriPartial.Authority), request.Key)})"));
    }

    private static ServiceOutcome Finish(
        JsonElement template, ServiceReply reply, JsonElement parameters, string? key, FoundItems found, int pages, bool isComplete)
    {
        (string, JsonElement)[] counted =
        [
            ("items", found.ToJson()), ("pages", JsonValues.Number(pages)), ("complete", isComplete ? JsonValues.True : JsonValues.False),
        ];
        var roots = counted.Select(root => KeyValuePair.Create(root.Item1, root.Item2)).ToArray();
        return Mapped(template.ValueKind == JsonValueKind.Undefined ? s_found : template, reply, parameters, key, default, roots);
    }

    private static readonly JsonElement s_found = JsonElement.Parse("""{"items": "${items}", "pages": "${pages}", "complete": "${complete}"}""");

    private static ServiceOutcome Mapped(
        JsonElement template, ServiceReply reply, JsonElement parameters, string? key, JsonElement asIs, params ReadOnlySpan<KeyValuePair<string, JsonElement>> more)
    {
        if (template.ValueKind == JsonValueKind.Undefined)
        {
            return new ServiceOutcome { StatusCode = reply.Status, Data = OrNull(asIs) };
        }

        try
        {
            var values = new ServiceTemplate([
                KeyValuePair.Create("response", reply.Body), KeyValuePair.Create("status", JsonValues.Number(reply.Status)), KeyValuePair.Create("params", parameters), .. more,
            ]);
            return new ServiceOutcome { StatusCode = reply.Status, Data = OrNull(values.Fill(template)) };
        }
        catch (WorkflowException exception)
        {
            return new ServiceOutcome { StatusCode = reply.Status, Error = ServiceErrors.Unreadable("'response'", Redactor.Text(exception.Error.Message, key)) };
        }
    }

    private static JsonElement OrNull(JsonElement value) => value.ValueKind == JsonValueKind.Undefined ? JsonValues.Null : value;

    /// <summary>The items of the pages so far.</summary>
    private sealed class FoundItems(int? limit)
    {
        private readonly List<JsonElement> _items = [];
        private long _size;

        /// <summary>There are as many as are wanted.</summary>
        public bool IsFull => _items.Count >= limit;

        /// <summary>There were more than are wanted.</summary>
        public bool IsCut { get; private set; }

        /// <summary>Takes a page's items; false when they are too large together.</summary>
        public bool Add(JsonElement items)
        {
            foreach (var item in items.ValueKind == JsonValueKind.Array ? items.EnumerateArray() : default)
            {
                if (IsFull)
                {
                    IsCut = true;
                    return true;
                }

                _size += JsonMarshal.GetRawUtf8Value(item).Length;
                if (_size > MaxSize)
                {
                    return false;
                }

                _items.Add(item);
            }

            return true;
        }

        public JsonElement ToJson() => JsonValues.Write(writer =>
        {
            writer.WriteStartArray();
            foreach (var item in _items)
            {
                item.WriteTo(writer);
            }

            writer.WriteEndArray();
        });
    }
}
