using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.Definitions.Rules;

/// <summary>Warns of models whose cost will be unknown.</summary>
internal static class PriceRules
{
    /// <summary>Checks every model that a step may call.</summary>
    public static void Check(LlmStepDefinition step, JsonPlace place, PriceBook prices, DefinitionIssues issues)
    {
        Model(step.Model, place.Member("model"), prices, issues);
        for (int i = 0; i < step.Fallbacks.Count; i++)
        {
            Model(step.Fallbacks[i].Model, place.Member("fallbacks").Item(i).Member("model"), prices, issues);
        }

        Model(step.RepairModel ?? "", place.Member("repair_model"), prices, issues);
    }

    private static void Model(string model, JsonPlace place, PriceBook prices, DefinitionIssues issues)
    {
        if (model.Length > 0 && !model.Contains("${", StringComparison.Ordinal) && !prices.Knows(model))
        {
            issues.Add(
                IssueSeverity.Warning,
                IssueCodes.UnknownPrice,
                place,
                $"pricing.json has no price for '{Shortened.Name(model)}': its cost will be unknown.",
                NearestNames.Suggest(model, prices.Models));
        }
    }
}
