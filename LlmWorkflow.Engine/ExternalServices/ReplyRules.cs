using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.ExternalServices;

/// <summary>How replies of a service are judged: what the service's file says for all operations, or for one.</summary>
internal sealed record ReplyRules(Expression? Success, Expression? ErrorMessage, IReadOnlyList<ErrorRule> Errors)
{
    private static readonly string[] s_roots = ["status", "response"];

    // Written by itself, "success" is about the reply; a server error stays one, whatever its page says.
    private const string SuccessStatus = "status >= 200 && status < 300";

    /// <summary>What a file says for all operations.</summary>
    public static ReplyRules OfService(FileFields root, List<FileFault> faults) => Read(root, new ServiceTexts(ParameterSchema.None, false, faults), faults);

    /// <summary>What one operation says, and the service's for what it does not say; the operation's rules go first.</summary>
    public static ReplyRules Of(FileFields operation, ServiceTexts texts, ReplyRules service, List<FileFault> faults)
    {
        var own = Read(operation, texts, faults);
        return new(own.Success ?? service.Success, own.ErrorMessage ?? service.ErrorMessage, [.. own.Errors, .. service.Errors]);
    }

    private static ReplyRules Read(FileFields fields, ServiceTexts texts, List<FileFault> faults)
    {
        var success = texts.Bare(fields.Any("success"), [.. fields.Path, "success"], s_roots);
        if (success is not null && !ServiceTexts.Reads(success, "status"))
        {
            success = new BinaryExpression(BinaryOperator.And, ExpressionParser.Parse(SuccessStatus), success, success.Position) { Source = success.Source };
        }

        var message = texts.Bare(fields.Any("error_message"), [.. fields.Path, "error_message"], s_roots);
        List<ErrorRule> rules = [.. fields.Items("errors").Select(rule => Rule(new FileFields(rule.Value, rule.Path, faults), texts)).OfType<ErrorRule>()];
        return new(success, message, rules);
    }

    private static ErrorRule? Rule(FileFields fields, ServiceTexts texts)
    {
        if (!fields.Allow("when", "type", "retryable", "message", "suggestion"))
        {
            return null;
        }

        if (!fields.Has("when"))
        {
            fields.Fault("when", FileFaultKind.MissingProperty, "is missing");
        }

        var when = texts.Bare(fields.Any("when"), [.. fields.Path, "when"], s_roots);
        var type = fields.OneOf("type", ServiceErrors.RuleTypes, required: true);
        var message = texts.Bare(fields.Any("message"), [.. fields.Path, "message"], s_roots);
        var retryable = fields.FlagOrNull("retryable");
        var suggestion = fields.Text("suggestion");
        return when is null || type is null
            ? null
            : new ErrorRule { When = when, Type = type, Retryable = retryable, Message = message, Suggestion = suggestion };
    }
}
