using System.Globalization;
using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;
using LlmWorkflow.Engine.Transforms;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>Reads what belongs to a step's type.</summary>
internal sealed class StepReader(PropertyReader properties, DefinitionIssues issues)
{
    private static readonly string[] s_types = ["llm", "external_api", "transform"];

    private static readonly HashSet<string> s_common = new(
        ["id", "type", "display_name", "description", "timeout_seconds", "max_cost_usd", "on_error", "default", "retry"], StringComparer.Ordinal);

    /// <summary>The step without what all types share; null when its type is unknown.</summary>
    public StepDefinition? Read(string id, string type, JsonElement json, string pointer)
    {
        switch (type)
        {
            case "llm":
                return Llm(id, pointer);
            case "external_api":
                return new ExternalApiStepDefinition
                {
                    Id = id,
                    Service = properties.NeedText("service"),
                    Operation = properties.NeedText("operation"),
                    Config = properties.Members("config"),
                };
            case "transform":
                return Transform(id, json, pointer);
            case "":
                return null;
            default:
                properties.AcceptRest();
                issues.Error(IssueCodes.UnknownStepType, properties.At("type"), $"There is no step type '{type}'.", NearestNames.Suggest(type, s_types));
                return null;
        }
    }

    private LlmStepDefinition Llm(string id, string pointer)
    {
        LlmStepDefinition step = new()
        {
            Id = id,
            Model = properties.NeedText("model"),
            Provider = properties.Text("provider"),
            Prompt = properties.Text("prompt"),
            PromptTemplate = properties.Text("prompt_template"),
            SystemPrompt = properties.Text("system_prompt"),
            SystemPromptTemplate = properties.Text("system_prompt_template"),
            Variables = properties.Members("variables"),
            Temperature = (double?)properties.Number("temperature", 0, 2),
            MaxTokens = (int?)properties.Number("max_tokens", 1, 1_000_000, true),
            TopP = (double?)properties.Number("top_p", 0, 1),
            Stop = properties.Texts("stop"),
            Seed = (long?)properties.Number("seed", long.MinValue, long.MaxValue, true),
            Stream = properties.Flag("stream") ?? true,
        };
        if (step.Prompt is null && step.PromptTemplate is null && !properties.Has("prompt") && !properties.Has("prompt_template"))
        {
            issues.Error(IssueCodes.MissingProperty, pointer, "The step has no prompt.", "Add \"prompt_template\" (a file under prompts/) or \"prompt\" (the text).");
        }

        Exclude(step.Prompt, step.PromptTemplate, "prompt");
        Exclude(step.SystemPrompt, step.SystemPromptTemplate, "system_prompt");
        return step;
    }

    private void Exclude(string? text, string? template, string name)
    {
        if (text is not null && template is not null)
        {
            issues.ErrorAtName(IssueCodes.ConflictingProperties, properties.At($"{name}_template"), $"'{name}' and '{name}_template' exclude each other.");
        }
    }

    private TransformStepDefinition Transform(string id, JsonElement json, string pointer)
    {
        JsonElement input = properties.Any("input");
        List<TransformOperation> operations = [];
        if (properties.Has("operations"))
        {
            if (properties.Has("operation"))
            {
                issues.ErrorAtName(IssueCodes.ConflictingProperties, properties.At("operation"), "'operation' and 'operations' exclude each other.");
            }

            Row(properties.Any("operations", "a list of operations", JsonValueKind.Array), $"{pointer}/operations", operations);
        }
        else
        {
            string name = properties.NeedText("operation");
            JsonElement parameters = JsonValues.Write(writer =>
            {
                writer.WriteStartObject();
                foreach (JsonProperty property in json.EnumerateObject().Where(property => property.Name != "input" && !s_common.Contains(property.Name)))
                {
                    property.WriteTo(writer);
                }

                writer.WriteEndObject();
            });
            CheckParameters(name, properties, pointer);
            operations.Add(new TransformOperation(name, parameters));
        }

        return new TransformStepDefinition { Id = id, Input = input, Operations = operations };
    }

    private void Row(JsonElement list, string pointer, List<TransformOperation> operations)
    {
        if (list.ValueKind != JsonValueKind.Array)
        {
            return;
        }

        if (list.GetArrayLength() == 0)
        {
            issues.Error(IssueCodes.OutOfRange, pointer, "'operations' needs at least one operation.");
        }

        int index = 0;
        foreach (JsonElement item in list.EnumerateArray())
        {
            string at = string.Create(CultureInfo.InvariantCulture, $"{pointer}/{index++}");
            if (item.ValueKind != JsonValueKind.Object)
            {
                issues.Error(IssueCodes.WrongType, at, $"An operation must be an object, not {item.KindName()}.");
                continue;
            }

            PropertyReader operation = new(item, at, issues);
            operation.Has("input");
            string name = operation.NeedText("operation");
            CheckParameters(name, operation, at);
            operation.Finish();
            operations.Add(new TransformOperation(name, item));
        }
    }

    private void CheckParameters(string name, PropertyReader given, string pointer)
    {
        if (TransformCatalog.Find(name) is not { } transform)
        {
            given.AcceptRest();
            if (name.Length > 0)
            {
                issues.Error(IssueCodes.UnknownOperation, given.At("operation"), $"There is no transform '{name}'.", NearestNames.Suggest(name, TransformCatalog.Names));
            }

            return;
        }

        foreach (TransformParameter parameter in transform.Parameters)
        {
            if (!given.Has(parameter.Name) && parameter.IsRequired)
            {
                issues.Error(IssueCodes.MissingParameter, pointer, $"'{name}' needs '{parameter.Name}'.", $"Add \"{parameter.Name}\".");
            }
        }
    }
}
