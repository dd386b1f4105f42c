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
                var operations = catalog.Get(name).Operations;
                known.Add(new(name, [.. operations.Select(o => new KnownOperation(
                    o.Key,
                    [.. o.Value.Parameters.SelectMany(p => p.Value.Aliases.Prepend(p.Key))],
                    [.. o.Value.Parameters.Where(p => p.Value is { Required: true, Aliases.Count: 0 }).Select(p => p.Key)]))]));
            }
            catch (WorkflowException)
            {
                // A broken service file is reported by the call that needs it; here its steps are simply not known.
            }
        }

        return known;
    }
}
