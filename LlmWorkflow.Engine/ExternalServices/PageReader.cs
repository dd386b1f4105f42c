using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.ExternalServices;

/// <summary>Reads what a page holds and where the next one is. Pure.</summary>
internal static class PageReader
{
    /// <summary>Most items that are wanted; null: all.</summary>
    /// <exception cref="WorkflowException">Its expression met a value that it cannot work on.</exception>
    public static int? Limit(ServicePaging paging, JsonElement parameters)
    {
        if (paging.MaxItems is not { } limit || new ServiceTemplate(KeyValuePair.Create("params", parameters)).Evaluate(limit) is not { ValueKind: not JsonValueKind.Undefined } value)
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var most) && most >= 1
            ? (int)Math.Min(most, int.MaxValue)
            : throw new WorkflowException(ServiceErrors.NoLimit($"'{limit}'", Redactor.Text(JsonValues.ToJson(value))));
    }

    /// <summary>Takes a page's items. Gives the page after it; neither page nor error: it was the last.</summary>
    public static (ServicePage? Page, WorkflowError? Error) Next(
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
            return (null, ServiceErrors.TooLarge(ServicePages.MaxSize));
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
            : (null, ServiceErrors.Pages("the next page's URL has another scheme, host or port than the service's, or a user name"));
    }
}
