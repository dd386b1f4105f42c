using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.ExternalServices;

/// <summary>Tells whether a reply is a success, as the service's file says. Pure.</summary>
internal static class ReplyReader
{
    /// <summary>Null: it is a success.</summary>
    /// <param name="operation">What was asked.</param>
    /// <param name="reply">What came.</param>
    /// <param name="key">The service's key, which its words may repeat.</param>
    public static WorkflowError? Check(ServiceOperation operation, ServiceReply reply, string? key)
    {
        var values = new ServiceTemplate(
            KeyValuePair.Create("status", JsonValues.Number(reply.Status)), KeyValuePair.Create("response", reply.Body));
        try
        {
            if (operation.Errors.FirstOrDefault(rule => values.IsTrue(rule.When)) is { } rule)
            {
                return ServiceErrors.FromRule(rule, reply.Status, Words(values, rule.Message ?? operation.ErrorMessage, key), reply.RetryAfter);
            }

            // Who reads wants something; who writes may get nothing back.
            var mayBeEmpty = reply.IsEmpty && !(operation.IsRead && reply.Status == 200);
            var lacksBody = reply.Body.ValueKind == JsonValueKind.Undefined && !mayBeEmpty && reply.Status is not (204 or 205);
            if (reply.IsSuccessStatus && lacksBody)
            {
                return NoJson(reply);
            }

            if (operation.Success is { } success ? values.IsTrue(success) : reply.IsSuccessStatus)
            {
                return lacksBody ? NoJson(reply) : null;
            }
        }
        catch (WorkflowException exception) when (reply.IsSuccessStatus)
        {
            return ServiceErrors.Unreadable("'success' or 'errors'", Redactor.Text(exception.Error.Message, key));
        }
        catch (WorkflowException)
        {
            // A status that is no success says enough.
        }

        var words = Words(values, operation.ErrorMessage, key);
        return reply.IsSuccessStatus ? ServiceErrors.Unsuccessful(reply.Status, words) : ServiceErrors.FromStatus(reply.Status, words, reply.RetryAfter);
    }

    private static WorkflowError NoJson(ServiceReply reply) => reply.IsEmpty ? ServiceErrors.Empty() : reply.IsCalledJson ? ServiceErrors.Malformed() : ServiceErrors.NotJson(reply.ContentType);

    private static string? Words(ServiceTemplate values, Expression? message, string? key)
    {
        try
        {
            return message is not null && values.Evaluate(message) is var value && !value.IsMissingOrNull() && ServiceTemplate.ToText(value) is { Length: > 0 } text
                ? Redactor.Text(text, key)
                : null;
        }
        catch (WorkflowException)
        {
            return null;
        }
    }
}
