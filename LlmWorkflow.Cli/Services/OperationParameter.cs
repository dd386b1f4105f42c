using System.Text.Json;
using LlmWorkflow.Engine.ExternalServices;

namespace LlmWorkflow.Cli.Services;

/// <summary>A parameter of an operation, as it is shown and read here.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Aliases">Other names for it.</param>
/// <param name="Type">JSON Schema type; null: none, or several.</param>
/// <param name="Required">There must be a value.</param>
/// <param name="Default">As JSON; null: none.</param>
/// <param name="Description">What it is.</param>
internal sealed record OperationParameter(string Name, IReadOnlyList<string> Aliases, string? Type, bool Required, string? Default, string? Description)
{
    /// <summary>Those of an operation, in the order of its file.</summary>
    public static IReadOnlyList<OperationParameter> Of(ServiceOperation operation) => [.. operation.Parameters.Properties.Select(parameter => new OperationParameter(
        parameter.Key,
        parameter.Value.Aliases,
        Text(parameter.Value.Schema, "type"),
        operation.Parameters.Required.Contains(parameter.Key, StringComparer.Ordinal),
        parameter.Value.Default.ValueKind is JsonValueKind.Undefined ? null : parameter.Value.Default.GetRawText(),
        Text(parameter.Value.Schema, "description")))];

    /// <summary>As a line for people.</summary>
    public override string ToString()
    {
        List<string> notes = [.. new[] { Type, Required ? "required" : null, Default is null ? null : $"default {Default}" }.OfType<string>()];
        return $"{string.Join(" or ", Aliases.Prepend(Name))}{(notes.Count == 0 ? "" : $" ({string.Join(", ", notes)})")}{(Description is null ? "" : $": {Description}")}";
    }

    private static string? Text(JsonElement schema, string name) =>
        schema.ValueKind is JsonValueKind.Object && schema.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String ? value.GetString() : null;
}
