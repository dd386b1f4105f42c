using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.ExternalServices;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>What the service files offer, in the form that definitions are checked against.</summary>
internal static class KnownServices
{
    public static IReadOnlyList<KnownService> Of(ServiceCatalog catalog)
    {
        var known = new List<KnownService>();
        foreach (var name in catalog.Names)
        {
            try
            {
                known.Add(new(name, [.. catalog.Get(name).Operations.Select(operation => Of(operation.Key, operation.Value))]));
            }
            catch (WorkflowException)
            {
                // A broken service file is reported as such; nothing is said of steps that use it.
                known.Add(new(name, []) { IsBroken = true });
            }
        }

        return known;
    }

    private static KnownOperation Of(string name, ServiceOperation operation) =>
        new(name, [.. operation.Parameters.Names], operation.Parameters.Required) { Schema = operation.Parameters, CanBeKept = operation.CanBeKept };
}
