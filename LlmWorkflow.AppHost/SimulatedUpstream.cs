namespace LlmWorkflow.AppHost;

/// <summary>A service outside that the simulator can stand in for. llmflow compiles this file too, so that there is one list.</summary>
/// <param name="Name">As in health and logs.</param>
/// <param name="BaseUrlVariable">Says where the engine finds it.</param>
/// <param name="SimulatorPath">Its path in the simulator.</param>
/// <param name="KeyVariables">Any of them holds the key; the first is the name the simulated key gets.</param>
internal sealed record SimulatedUpstream(string Name, string BaseUrlVariable, string SimulatorPath, params IReadOnlyList<string> KeyVariables)
{
    /// <summary>The key of every simulated service: no word that an answer could hold by chance, because keys are taken out of answers.</summary>
    public const string Key = "simulator-takes-any-key";

    /// <summary>One line per service.</summary>
    public static readonly IReadOnlyList<SimulatedUpstream> All =
    [
        new("openrouter", "OPENROUTER_BASE_URL", "/openrouter/api/v1", "OPENROUTER_API_KEY"),
        new("openai", "OPENAI_BASE_URL", "/openai/v1", "OPENAI_API_KEY"),
        new("anthropic", "ANTHROPIC_BASE_URL", "/anthropic", "ANTHROPIC_API_KEY"),
        new("google_places", "GOOGLE_PLACES_BASE_URL", "/places", "GOOGLE_SERVICES_API_KEY", "GOOGLE_PLACES_API_KEY"),
        new("weatherapi", "WEATHERAPI_BASE_URL", "/weatherapi/v1", "WEATHERAPI_API_KEY"),
        new("http_example", "HTTP_EXAMPLE_BASE_URL", "/example/v1", "HTTP_EXAMPLE_API_KEY") { IsExample = true },
    ];

    /// <summary>No real service: nobody has a key for it, so no deployment asks for one.</summary>
    public bool IsExample { get; init; }

    /// <summary>The service of that name, or null.</summary>
    public static SimulatedUpstream? Find(string name) => All.FirstOrDefault(upstream => upstream.Name == name);
}
