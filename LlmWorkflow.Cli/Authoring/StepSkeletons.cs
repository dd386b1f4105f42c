using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Definitions.Language;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Transforms;

namespace LlmWorkflow.Cli.Authoring;

/// <summary>New steps with all that their type must have. Lists of steps inside are empty: validation asks for steps where there must be some.</summary>
/// <param name="surroundings">Gives names that exist.</param>
internal sealed class StepSkeletons(DefinitionSurroundings surroundings)
{
    private const string Model = "anthropic/claude-3.5-sonnet";

    /// <summary>What can be added: the types, and each transform with its operation.</summary>
    public static IReadOnlyList<string> Types { get; } = [.. StepShapes.Types, .. TransformCatalog.All.Select(transform => $"transform:{transform.Name}")];

    /// <summary>A new step.</summary>
    /// <param name="type">One of <see cref="Types"/>.</param>
    /// <param name="id">Its id; null: one that is free.</param>
    /// <param name="tree">The steps that there are.</param>
    /// <exception cref="EditException">There is no such type, or the id is taken or no id.</exception>
    public (JsonElement Step, string Id) Make(string type, string? id, StepTree tree)
    {
        var parts = type.Split(':', 2);
        var operation = parts is [_, var named] ? named : null;
        if (!Types.Contains(type))
        {
            throw new EditException(parts[0] == "transform" && operation is not null
                ? $"There is no transform '{operation}'. {NearestNames.Suggest(operation, TransformCatalog.Names)}".TrimEnd()
                : $"There is no step type '{type}'. {NearestNames.Suggest(type, StepShapes.Types)} Types: {string.Join(", ", StepShapes.Types)}; transform:OPERATION.");
        }

        id ??= Free(operation ?? Verb(type), tree);
        if (!Regex.IsMatch(id, Forms.StepId.Pattern))
        {
            throw new EditException($"'{id}' is no {Forms.StepId.Words}.");
        }

        if (tree.Steps.Any(step => step.Id == id))
        {
            throw new EditException($"There is a step '{id}' already.");
        }

        JsonObject step = new() { ["id"] = id, ["type"] = parts[0] };
        foreach (var (name, value) in Own(parts[0], operation))
        {
            step[name] = value?.DeepClone();
        }

        return (JsonElement.Parse(step.ToJsonString()), id);
    }

    private static string Verb(string type) => type switch
    {
        "llm" => "ask",
        "external_api" => "call",
        "transform" => "shape",
        "conditional" => "decide",
        "parallel" => "fan",
        "foreach" => "each",
        "workflow" => "sub",
        "wait" => "pause",
        _ => "approve",
    };

    private static string Free(string wanted, StepTree tree)
    {
        var taken = tree.Steps.Select(step => step.Id).ToHashSet(StringComparer.Ordinal);
        return Enumerable.Range(1, int.MaxValue - 1)
            .Select(number => number == 1 ? wanted : string.Create(CultureInfo.InvariantCulture, $"{wanted}_{number}"))
            .First(id => !taken.Contains(id));
    }

    private JsonObject Own(string type, string? operation) => type switch
    {
        "llm" => new() { ["model"] = Model, ["prompt"] = "Say here what the model is to do." },
        "external_api" => Service(),
        "transform" => Transform(operation ?? "template"),
        "conditional" => new() { ["condition"] = "true", ["then"] = new JsonArray(), ["else"] = new JsonArray() },
        "parallel" => new() { ["branches"] = new JsonObject { ["first"] = new JsonArray(), ["second"] = new JsonArray() } },
        "foreach" => new() { ["items"] = "[]", ["as"] = "item", ["steps"] = new JsonArray() },
        "workflow" => new() { ["name"] = surroundings.Workflows?.Keys.Order(StringComparer.Ordinal).FirstOrDefault() ?? "other", ["input"] = new JsonObject() },
        "wait" => new() { ["seconds"] = 1 },
        _ => new() { ["message"] = "Say here what is to be approved." },
    };

    private JsonObject Service()
    {
        var service = surroundings.Services?.FirstOrDefault(known => known.Operations.Count > 0);
        var operation = service?.Operations[0];
        JsonObject config = [];
        foreach (var parameter in operation?.Required ?? [])
        {
            config[parameter] = "";
        }

        return new() { ["service"] = service?.Name ?? "service", ["operation"] = operation?.Name ?? "operation", ["config"] = config };
    }

    private static JsonObject Transform(string operation)
    {
        var transform = TransformCatalog.All.First(known => known.Name == operation);
        JsonObject step = new() { ["operation"] = operation };
        var oneOf = transform.ExactlyOneOf.Take(1);
        foreach (var parameter in transform.Parameters.Where(parameter => parameter.IsRequired || oneOf.Contains(parameter.Name)))
        {
            step[parameter.Name] = Example(parameter);
        }

        return step;
    }

    private static JsonNode Example(TransformParameter parameter) => parameter.Kind switch
    {
        TransformParameterKind.Expression or TransformParameterKind.ExpressionOrList => parameter.Name == "condition" ? "item != null" : "item",
        TransformParameterKind.LiteralText => ".+",
        TransformParameterKind.TemplateText => "Write the text here.",
        TransformParameterKind.Text => "text",
        TransformParameterKind.ItemValue => "${item}",
        TransformParameterKind.Flag => false,
        TransformParameterKind.WholeNumber => Math.Max(parameter.Minimum, Math.Min(10, parameter.Maximum)),
        TransformParameterKind.Choice => parameter.Choices[0],
        TransformParameterKind.Names => new JsonArray("name"),
        TransformParameterKind.List => new JsonArray(new JsonObject(), new JsonObject()),
        TransformParameterKind.Paths => new JsonObject { ["name"] = "$.name" },
        TransformParameterKind.Headings => new JsonObject { ["section"] = "Section" },
        TransformParameterKind.NameOrNumber => 0,
        _ => new JsonObject(),
    };
}
