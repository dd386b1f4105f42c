using LlmWorkflow.Client.Contracts;
using Microsoft.OpenApi;

namespace LlmWorkflow.Api.OpenApi;

/// <summary>Contracts that hold themselves. The generator writes each schema out in place, so without an end for these; here they become references.</summary>
internal static class NestedSchemas
{
    // The name under which the generator notes a schema's type.
    private const string TypeName = "x-schema-id";

    private static readonly string[] Types = [nameof(PlanStep), nameof(PlanBranch)];

    /// <summary>Replaces lists of such contracts by lists of references, and adds the contracts to the document.</summary>
    public static void Link(IOpenApiSchema schema, OpenApiDocument document)
    {
        foreach (var property in schema.Properties?.Values ?? [])
        {
            Link(property, document);
        }

        if (schema is not OpenApiSchema { Items: OpenApiSchema items } list)
        {
            return;
        }

        if (items.Metadata?.TryGetValue(TypeName, out var value) is not true || value is not string name || !Types.Contains(name))
        {
            Link(items, document);
            return;
        }

        list.Items = new OpenApiSchemaReference(name, document);
        if (document.Components?.Schemas?.ContainsKey(name) is not true)
        {
            // Added first: what it holds leads back to it.
            document.AddComponent(name, items);
            Link(items, document);
        }
    }
}
