using System.Globalization;
using System.Text.Json;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>What a plan says of steps that are no <c>llm</c> step, by the names of the definition's fields.</summary>
internal static class DryRunDetails
{
    public static IReadOnlyDictionary<string, JsonElement> Of(StepDefinition step, DryRunScope scope)
    {
        IEnumerable<(string Name, JsonElement Value)> details = step switch
        {
            ExternalApiStepDefinition api => [("service", Text(api.Service)), ("operation", Text(api.Operation)), ("config", Members(api.Config, scope))],
            TransformStepDefinition transform =>
                [("operations", Texts(transform.Operations.Select(operation => operation.Operation))), ("input", scope.Resolve(transform.Input))],
            ParallelStepDefinition parallel => [("max_concurrency", Number(parallel.MaxConcurrency)), ("fail_fast", JsonElement.Parse(parallel.FailFast ? "true" : "false"))],
            ForeachStepDefinition loop => [("items", Text(loop.Items)), ("as", Text(loop.As)), ("max_concurrency", Number(loop.MaxConcurrency))],
            WorkflowStepDefinition workflow => [("name", Text(workflow.Workflow)), ("input", scope.Resolve(workflow.Input))],
            WaitStepDefinition wait => [("seconds", scope.Resolve(wait.Seconds)), ("until", wait.Until is null ? default : Text(scope.Text(wait.Until)))],
            ApprovalStepDefinition approval =>
            [
                ("signal", Text(scope.Text(approval.Signal))),
                ("message", approval.Message is null ? default : Text(scope.Text(approval.Message))),
                ("timeout_seconds", approval.WaitSeconds is { } seconds ? JsonElement.Parse(seconds.ToString("R", CultureInfo.InvariantCulture)) : default),
                ("on_timeout", Text(approval.OnTimeout == OnError.Continue ? "continue" : "fail")),
            ],
            _ => [],
        };
        return details.Where(detail => detail.Value.ValueKind != JsonValueKind.Undefined).ToDictionary(detail => detail.Name, detail => Shown(detail.Value), StringComparer.Ordinal);
    }

    private static JsonElement Shown(JsonElement value)
    {
        string json = JsonValues.ToJson(value);
        return json.Length > DryRunPlanner.ShownCharacters
            ? Text(string.Create(CultureInfo.InvariantCulture, $"({json.Length} characters of JSON, too long to be shown)"))
            : DryRunPlaceholder.IsIn(json) ? JsonElement.Parse(DryRunPlaceholder.Show(json), new JsonDocumentOptions { MaxDepth = 512 }) : value;
    }

    private static JsonElement Members(IReadOnlyDictionary<string, JsonElement> members, DryRunScope scope) => JsonValues.Write(writer =>
    {
        writer.WriteStartObject();
        foreach ((string name, JsonElement value) in members.Where(member => member.Value.ValueKind != JsonValueKind.Undefined))
        {
            writer.WritePropertyName(name);
            scope.Resolve(value).WriteTo(writer);
        }

        writer.WriteEndObject();
    });

    private static JsonElement Texts(IEnumerable<string> texts) => JsonValues.Write(writer =>
    {
        writer.WriteStartArray();
        foreach (string text in texts)
        {
            writer.WriteStringValue(text);
        }

        writer.WriteEndArray();
    });

    private static JsonElement Text(string text) => JsonValues.String(text);

    private static JsonElement Number(int? number) => number is { } known ? JsonValues.Number(known) : default;
}
