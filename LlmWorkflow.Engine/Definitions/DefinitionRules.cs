using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;
using LlmWorkflow.Engine.Prompts;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>Checks what a definition refers to: steps, prompts, services, prices. Each rule adds its issues and goes on.</summary>
internal sealed class DefinitionRules
{
    private readonly WorkflowDefinition _definition;
    private readonly List<(int Index, StepDefinition Step)> _steps;
    private readonly JsonElement _root;
    private readonly DefinitionSurroundings _surroundings;
    private readonly DefinitionIssues _issues;
    private readonly ReferenceRules _references;
    private readonly HashSet<string> _usedPrompts = new(StringComparer.Ordinal);

    public DefinitionRules(
        WorkflowDefinition definition, List<(int Index, StepDefinition Step)> steps, JsonElement root, DefinitionSurroundings surroundings, DefinitionIssues issues)
    {
        _definition = definition;
        _steps = steps;
        _root = root;
        _surroundings = surroundings;
        _issues = issues;
        _references = new ReferenceRules(definition, StepIds(root), issues);
    }

    /// <summary>Prompts that the steps use, includes too; filled by <see cref="Apply"/>.</summary>
    public IReadOnlySet<string> UsedPrompts => _usedPrompts;

    /// <summary>Runs every rule.</summary>
    public void Apply()
    {
        if (_root.ValueKind != JsonValueKind.Object)
        {
            return;
        }

        SchemaRules.Check(_definition.InputSchema, "/input_schema", _issues);
        if (_root.TryGetProperty("steps", out JsonElement steps) && steps.ValueKind == JsonValueKind.Array)
        {
            int index = 0;
            foreach (JsonElement step in steps.EnumerateArray())
            {
                StepExpressions(step, PointerOf(index), index);
                index++;
            }

            foreach ((int at, StepDefinition step) in _steps)
            {
                Step(step, PointerOf(at), at);
            }
        }

        _references.Check(_definition.Output, "/output", int.MaxValue);
        Unused();
    }

    private static string PointerOf(int step) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"/steps/{step}");

    private static List<string> StepIds(JsonElement root) =>
        root.ValueKind == JsonValueKind.Object && root.TryGetProperty("steps", out JsonElement steps) && steps.ValueKind == JsonValueKind.Array
            ? [.. steps.EnumerateArray().Select(step =>
                step.ValueKind == JsonValueKind.Object && step.TryGetProperty("id", out JsonElement id) && id.ValueKind == JsonValueKind.String ? id.GetString()! : "")]
            : [];

    private void StepExpressions(JsonElement step, string pointer, int index)
    {
        if (step.ValueKind != JsonValueKind.Object)
        {
            return;
        }

        string[] prompts = ["prompt", "system_prompt"];
        string[] plain = ["id", "type", "display_name", "description", "prompt_template", "system_prompt_template"];
        foreach (JsonProperty property in step.EnumerateObject().Where(property => !plain.Contains(property.Name) && !prompts.Contains(property.Name)))
        {
            _references.Check(property.Value, $"{pointer}/{JsonPositions.Escape(property.Name)}", index);
        }
    }

    private void Step(StepDefinition step, string pointer, int index)
    {
        switch (step)
        {
            case LlmStepDefinition llm:
                Prompt(llm, llm.PromptTemplate, llm.Prompt, $"{pointer}/prompt", index);
                Prompt(llm, llm.SystemPromptTemplate, llm.SystemPrompt, $"{pointer}/system_prompt", index);
                Price(llm, pointer);
                break;
            case ExternalApiStepDefinition api when _surroundings.Services is { } services:
                Service(api, services, pointer);
                break;
            case TransformStepDefinition { Input.ValueKind: JsonValueKind.Undefined }:
                _references.MarkUsed(index - 1);
                break;
            default:
                break;
        }
    }

    private void Prompt(LlmStepDefinition step, string? template, string? text, string pointer, int index)
    {
        if (template is null && text is null)
        {
            return;
        }

        string at = template is null ? pointer : pointer + "_template";
        string name = template is null ? "The prompt" : $"Prompt '{template}'";
        try
        {
            string source = template is null
                ? PromptIncludes.ExpandText(text!, _surroundings.Prompts, _usedPrompts)
                : PromptIncludes.ExpandFile(template, _surroundings.Prompts, _usedPrompts);
            CompiledPrompt prompt = PromptRenderer.Compile(source);
            foreach (string variable in prompt.Variables.Where(variable => !step.Variables.ContainsKey(variable)))
            {
                _issues.Error(
                    IssueCodes.UnknownVariable,
                    at,
                    $"{name} uses the variable '{variable}', which the step does not give.",
                    NearestNames.Suggest(variable, [.. step.Variables.Keys]) ?? $"Add '{variable}' to the step's \"variables\".");
            }

            foreach (Expression expression in prompt.Expressions)
            {
                _references.Check(expression, at, index);
            }
        }
        catch (PromptException exception)
        {
            string code = exception.Fault switch
            {
                PromptFault.MissingPrompt => IssueCodes.MissingPrompt,
                PromptFault.MissingInclude => IssueCodes.MissingInclude,
                PromptFault.IncludeCycle => IssueCodes.IncludeCycle,
                PromptFault.PathOutside => IssueCodes.PromptPathOutside,
                _ => IssueCodes.InvalidPrompt,
            };
            _issues.Error(code, at, exception.Message, exception.Suggestion);
        }
        catch (ExpressionSyntaxException exception)
        {
            _issues.Error(IssueCodes.InvalidExpression, at, $"{name}: {exception.Message} at position {exception.Position + 1}.");
        }
        catch (HandlebarsDotNet.HandlebarsException exception)
        {
            _issues.Error(IssueCodes.InvalidPrompt, at, $"{name}: {exception.Message}");
        }
    }

    private void Price(LlmStepDefinition step, string pointer)
    {
        if (_surroundings.Prices is { } prices && step.Model.Length > 0 && !step.Model.Contains("${", StringComparison.Ordinal) && !prices.Knows(step.Model))
        {
            _issues.Add(
                IssueSeverity.Warning,
                IssueCodes.UnknownPrice,
                $"{pointer}/model",
                $"pricing.json has no price for '{step.Model}': its cost will be unknown.",
                NearestNames.Suggest(step.Model, prices.Models));
        }
    }

    private void Service(ExternalApiStepDefinition step, IReadOnlyList<KnownService> services, string pointer)
    {
        if (step.Service.Length == 0 || step.Operation.Length == 0)
        {
            return;
        }

        if (services.FirstOrDefault(known => known.Name == step.Service) is not { } service)
        {
            _issues.Error(
                IssueCodes.UnknownService, $"{pointer}/service", $"There is no service '{step.Service}'.", NearestNames.Suggest(step.Service, [.. services.Select(known => known.Name)]));
            return;
        }

        if (service.Operations.FirstOrDefault(known => known.Name == step.Operation) is not { } operation)
        {
            _issues.Error(
                IssueCodes.UnknownOperation,
                $"{pointer}/operation",
                $"Service '{step.Service}' has no operation '{step.Operation}'.",
                NearestNames.Suggest(step.Operation, [.. service.Operations.Select(known => known.Name)]));
            return;
        }

        foreach (string missing in operation.Required.Where(name => !step.Config.ContainsKey(name)))
        {
            _issues.Error(IssueCodes.MissingParameter, $"{pointer}/config", $"'{step.Service}.{step.Operation}' needs '{missing}'.", $"Add \"{missing}\" to \"config\".");
        }

        foreach (string unknown in step.Config.Keys.Where(name => operation.Parameters?.Contains(name) == false))
        {
            _issues.ErrorAtName(
                IssueCodes.UnknownParameter,
                $"{pointer}/config/{JsonPositions.Escape(unknown)}",
                $"'{step.Service}.{step.Operation}' takes no '{unknown}'.",
                NearestNames.Suggest(unknown, [.. operation.Parameters!]));
        }
    }

    private void Unused()
    {
        foreach ((int index, StepDefinition step) in _steps)
        {
            bool isResult = index == _steps[^1].Index && _definition.Output.ValueKind == JsonValueKind.Undefined;
            if (!isResult && !_references.IsUsed(index))
            {
                _issues.Add(IssueSeverity.Info, IssueCodes.UnusedOutput, PointerOf(index), $"Nothing uses the output of step '{step.Id}'.");
            }
        }
    }
}
