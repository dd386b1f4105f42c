using System.Globalization;
using System.Text.Json;
using LlmWorkflow.Engine.Providers;

namespace LlmWorkflow.Engine.Definitions.Rules;

/// <summary>Rules of form that no single property tells.</summary>
internal static class FormRules
{
    /// <summary>Checks one step.</summary>
    public static void Check(StepNode node, DefinitionIssues issues)
    {
        if (node.Definition is not { } step)
        {
            return;
        }

        if (step.Retry is { } retry && retry.MaxDelaySeconds < retry.InitialDelaySeconds)
        {
            JsonPlace place = node.Place.Member("retry");
            issues.Error(IssueCodes.OutOfRange, place.Member("max_delay_seconds"), "'max_delay_seconds' must not be less than 'initial_delay_seconds'.");
        }

        Default(node, step, issues);
        Options(node, step, issues);
        switch (step)
        {
            case LlmStepDefinition { RepairAttempts: > 0, ResponseFormat.Kind: ResponseKind.Text }:
                Warn(node, "repair_attempts", "'repair_attempts' does nothing: the reply may be any text.", "Add \"response_format\": \"json\", or a schema.", issues);
                break;
            case TransformStepDefinition { Input.ValueKind: JsonValueKind.Undefined, Operations: [var first, ..] } when NeedsInput(first) && HasNothingBefore(node):
                issues.Add(
                    IssueSeverity.Warning, IssueCodes.MissingProperty, node.Place, $"'{first.Operation}' has nothing to read: no step comes before this one.", "Add \"input\", for example \"${input.items}\".");
                break;
            case WaitStepDefinition { Until: { Length: > 0 } until } when !until.Contains("${", StringComparison.Ordinal) && !IsTime(until):
                issues.Error(IssueCodes.InvalidValue, node.Place.Member("until"), $"'{Shortened.Name(until)}' is no time.", "Write it as \"2027-01-31T09:00:00Z\", with an offset or 'Z'.");
                break;
            case ApprovalStepDefinition { WaitSeconds: null } when new Fields(node.Json) is var fields && fields.Has("on_timeout") && !fields.Has("timeout_seconds"):
                Warn(node, "on_timeout", "'on_timeout' does nothing without 'timeout_seconds'.", null, issues);
                break;
            default:
                break;
        }
    }

    private static void Options(StepNode node, StepDefinition step, DefinitionIssues issues)
    {
        if (step is not LlmStepDefinition { ProviderOptions.ValueKind: JsonValueKind.Object } llm)
        {
            return;
        }

        foreach (JsonProperty option in llm.ProviderOptions.EnumerateObject())
        {
            var place = node.Place.Member("provider_options").Member(option.Name);
            if (ProviderOptions.Refusal(option.Name, llm.Provider) is { } reason)
            {
                issues.ErrorAtName(
                    IssueCodes.ConflictingProperties, place, $"'provider_options' may not hold '{Shortened.Name(option.Name)}': {reason}.");
            }
            else if (!HoldsExpression(option.Value) && CommonOptions.Fault(option.Name, option.Value) is { } fault)
            {
                issues.Error(IssueCodes.InvalidValue, place, fault);
            }
        }
    }

    private static bool HoldsExpression(JsonElement value) => value.GetRawText().Contains("${", StringComparison.Ordinal);

    private static void Default(StepNode node, StepDefinition step, DefinitionIssues issues)
    {
        if (step.Default.ValueKind != JsonValueKind.Undefined && step.OnError != OnError.Continue && step is not ApprovalStepDefinition { OnTimeout: OnError.Continue })
        {
            string other = step is ApprovalStepDefinition ? " or \"on_timeout\": \"continue\"" : "";
            Warn(node, "default", $"'default' is used only with \"on_error\": \"continue\"{other}.", null, issues);
        }
    }

    private static bool NeedsInput(TransformOperation operation) =>
        operation.Operation != "template"
        && !operation.Parameters.TryGetProperty("input", out _)
        && !(operation.Operation == "merge" && operation.Parameters.TryGetProperty("inputs", out _));

    // In a foreach the first step reads the item.
    private static bool HasNothingBefore(StepNode node)
    {
        for (StepNode? at = node; at is not null; at = at.List.Owner)
        {
            if (at.Index > 0 || at.List.Owner?.Definition is ForeachStepDefinition)
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsTime(string text) => text.Contains('T', StringComparison.Ordinal)
        && (text.EndsWith('Z') || text.LastIndexOfAny(['+', '-']) > text.IndexOf('T', StringComparison.Ordinal))
        && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.None, out _);

    private static void Warn(StepNode node, string property, string message, string? suggestion, DefinitionIssues issues) =>
        issues.Add(IssueSeverity.Warning, IssueCodes.ConflictingProperties, node.Place.Member(property), message, suggestion);
}
