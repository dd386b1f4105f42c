using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;
using LlmWorkflow.Engine.ExternalServices;

namespace LlmWorkflow.Engine.Definitions.Rules;

/// <summary>Checks that services and operations exist and get the parameters that they need.</summary>
internal static class ServiceRules
{
    /// <summary>Checks one step.</summary>
    public static void Check(ExternalApiStepDefinition step, JsonPlace place, IReadOnlyList<KnownService> services, DefinitionIssues issues)
    {
        if (step.Service.Length == 0 || step.Operation.Length == 0)
        {
            return;
        }

        if (services.FirstOrDefault(known => known.Name == step.Service) is not { } service)
        {
            issues.Error(
                IssueCodes.UnknownService,
                place.Member("service"),
                $"There is no service '{Shortened.Name(step.Service)}'.",
                NearestNames.Suggest(step.Service, [.. services.Select(known => known.Name)]));
        }
        else if (service.IsBroken)
        {
            return;
        }
        else if (service.Operations.FirstOrDefault(known => known.Name == step.Operation) is { } operation)
        {
            Parameters(step, place.Member("config"), operation, issues);
            if (step.CacheTtlSeconds > 0 && !operation.CanBeKept)
            {
                issues.Error(
                    IssueCodes.InvalidValue,
                    place.Member("cache_ttl_seconds"),
                    $"Answers of '{step.Service}.{step.Operation}' cannot be kept: it is no GET, and its file does not say that it is idempotent.",
                    "Leave \"cache_ttl_seconds\" out.");
            }
        }
        else
        {
            issues.Error(
                IssueCodes.UnknownOperation,
                place.Member("operation"),
                $"Service '{step.Service}' has no operation '{Shortened.Name(step.Operation)}'.",
                NearestNames.Suggest(step.Operation, [.. service.Operations.Select(known => known.Name)]));
        }
    }

    private static void Parameters(ExternalApiStepDefinition step, JsonPlace config, KnownOperation operation, DefinitionIssues issues)
    {
        foreach (string missing in Missing(step, operation))
        {
            issues.Error(IssueCodes.MissingParameter, config, $"'{step.Service}.{step.Operation}' lacks a parameter: {missing}.", "Add it to \"config\".");
        }

        foreach (string unknown in step.Config.Keys.Where(name => operation.Parameters?.Contains(name) == false))
        {
            issues.ErrorAtName(
                IssueCodes.UnknownParameter,
                config.Member(unknown),
                $"'{step.Service}.{step.Operation}' takes no '{Shortened.Name(unknown)}'.",
                NearestNames.Suggest(unknown, [.. operation.Parameters!]));
        }

        foreach ((string name, JsonElement value) in step.Config.Where(parameter => operation.Schema?.Resolve(parameter.Key) is not null && !TemplateResolver.HasExpression(parameter.Value)))
        {
            if (ServiceParameters.Problem(operation.Schema!, name, value) is { } problem)
            {
                issues.Error(IssueCodes.InvalidValue, config.Member(name), $"{problem}.");
            }
        }
    }

    private static IEnumerable<string> Missing(ExternalApiStepDefinition step, KnownOperation operation) => operation.Schema is { } schema
        ? ServiceParameters.Missing(schema, step.Config.Keys)
        : operation.Required.Where(name => !step.Config.ContainsKey(name)).Select(name => $"'{name}' is required");
}
