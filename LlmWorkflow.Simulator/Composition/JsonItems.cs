using System.Text.Json;

namespace LlmWorkflow.Simulator.Composition;

/// <summary>Named objects in JSON, at any depth, by the property names that such data commonly has.</summary>
internal static class JsonItems
{
    private static readonly string[] Names = ["name", "displayName", "display_name", "title", "organization", "full_name"];
    private static readonly string[] Addresses = ["formattedAddress", "formatted_address", "shortFormattedAddress", "address", "vicinity", "street"];
    private static readonly string[] Phones =
        ["nationalPhoneNumber", "internationalPhoneNumber", "formatted_phone_number", "phone_number", "phone", "telephone", "number"];
    private static readonly string[] Kinds = ["primaryType", "primary_type", "type", "types", "category", "relationship", "role"];
    private static readonly string[] Websites = ["websiteUri", "website", "url"];

    public static IEnumerable<NamedItem> Find(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Array => element.EnumerateArray().SelectMany(Find),
        JsonValueKind.Object when Read(element) is { } item => [item],
        JsonValueKind.Object => element.EnumerateObject().SelectMany(property => Find(property.Value)),
        _ => [],
    };

    private static NamedItem? Read(JsonElement element)
    {
        if (Text(element, Names) is not { } name)
        {
            return null;
        }

        var item = new NamedItem(name)
        {
            Address = Text(element, Addresses),
            Phone = Text(element, Phones),
            Kind = Text(element, Kinds),
            Website = Text(element, Websites),
            Rating = Text(element, ["rating"]),
        };
        return item.HasContact || item.Kind is not null || item.Rating is not null ? item : null;
    }

    private static string? Text(JsonElement element, string[] names) => names
        .Select(name => element.TryGetProperty(name, out var value) ? Text(value) : null)
        .FirstOrDefault(text => !string.IsNullOrWhiteSpace(text));

    private static string? Text(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Number => value.GetRawText(),
        // Google's display names are objects, its types a list with the most specific one first.
        JsonValueKind.Object when value.TryGetProperty("text", out var text) => Text(text),
        JsonValueKind.Array when value.GetArrayLength() > 0 => Text(value[0]),
        _ => null,
    };
}
