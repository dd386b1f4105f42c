using System.Text.Json;
using LlmWorkflow.Engine.Definitions.Language;
using LlmWorkflow.Engine.Definitions.Rules;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>Checks what a definition means: what it refers to, in itself and around it. Each rule adds its issues and goes on.</summary>
internal static class DefinitionRules
{
    /// <summary>Runs every rule.</summary>
    /// <returns>Paths of the prompts that the definition uses, includes too.</returns>
    public static IReadOnlySet<string> Apply(
        JsonElement root, DefinitionOutline outline, WorkflowDefinition definition, DefinitionSurroundings surroundings, DefinitionIssues issues)
    {
        ReferenceRules references = new(outline, definition, issues);
        ExpressionRules expressions = new(references, issues);
        PromptRules prompts = new(root, surroundings.Prompts, references, issues);
        foreach (UsedSchema schema in outline.Schemas.TakeWhile(_ => !issues.IsFull))
        {
            SchemaRules.Check(schema, issues);
        }

        foreach (UsedText text in outline.Texts.TakeWhile(_ => !issues.IsFull))
        {
            if (text.Use is TextUse.Prompt or TextUse.PromptFile or TextUse.TransformTemplate)
            {
                prompts.Check(text);
            }
            else
            {
                expressions.Check(text);
            }
        }

        foreach (StepNode node in outline.AllSteps.TakeWhile(_ => !issues.IsFull))
        {
            Step(node, definition, surroundings, issues);
        }

        // A faulty expression may be the one that was meant to read a step.
        if (!issues.HasErrors)
        {
            UnusedRules.Check(outline, definition, references, issues);
        }

        return prompts.Used;
    }

    private static void Step(StepNode node, WorkflowDefinition definition, DefinitionSurroundings surroundings, DefinitionIssues issues)
    {
        FormRules.Check(node, issues);
        switch (node.Definition)
        {
            case LlmStepDefinition llm when surroundings.Prices is { } prices:
                PriceRules.Check(llm, node.Place, prices, issues);
                break;
            case ExternalApiStepDefinition api when surroundings.Services is { } services:
                ServiceRules.Check(api, node.Place, services, issues);
                break;
            case WorkflowStepDefinition sub when surroundings.Workflows is { } workflows:
                SubWorkflowRules.Check(sub, node.Place, definition, workflows, issues);
                break;
            default:
                break;
        }
    }
}
