using LlmWorkflow.AppHost;
using LlmWorkflow.Engine;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.ExternalServices;

namespace LlmWorkflow.Cli.Running;

/// <summary>A service outside that a workflow uses.</summary>
/// <param name="Name">Provider or service.</param>
/// <param name="BaseUrl">Where it is by default; null: not known.</param>
/// <param name="BaseUrlVariable">Says that it is elsewhere; null: nothing does.</param>
/// <param name="KeyVariables">Any of them holds the key; empty: it takes none.</param>
internal sealed record Upstream(string Name, string? BaseUrl, string? BaseUrlVariable, IReadOnlyList<string> KeyVariables);

/// <summary>Where the services outside are for one run, and with which keys: the environment's settings, with what stands in for those that are missing.</summary>
internal sealed class UpstreamSettings
{
    // The LLM providers that need nothing but a key, and where they are by default.
    private static readonly IReadOnlyList<(string Name, string BaseUrl)> Providers =
    [
        ("openrouter", "https://openrouter.ai/api/v1"), ("openai", "https://api.openai.com/v1"), ("anthropic", "https://api.anthropic.com"),
    ];

    private readonly Func<string, string?> _environment;
    private readonly Dictionary<string, string> _instead = new(StringComparer.Ordinal);
    private readonly IReadOnlyList<Upstream> _used;

    private UpstreamSettings(Func<string, string?> environment, IReadOnlyList<Upstream> used) => (_environment, _used) = (environment, used);

    /// <summary>Those without a key.</summary>
    public IReadOnlyList<Upstream> Keyless => [.. _used.Where(upstream => upstream.KeyVariables.Count > 0 && Key(upstream) is null)];

    /// <summary>The keys in use.</summary>
    public IReadOnlyList<string> Secrets => [.. _used.Select(Key).OfType<string>().Where(key => key.Length > 0)];

    /// <summary>What a workflow and those that it runs use.</summary>
    /// <param name="loaded">The workflow.</param>
    /// <param name="environment">Environment variables.</param>
    public static UpstreamSettings Of(LlmWorkflow.Cli.Checking.LoadedWorkflow loaded, Func<string, string?> environment)
    {
        var defaults = new EngineOptions { WorkflowsDirectory = loaded.Tree.Root };
        var services = new ServiceCatalog(defaults);
        var steps = loaded.Workflow.Workflows.Values.SelectMany(sub => AllSteps(sub.Definition.Steps)).Concat(AllSteps(loaded.Workflow.Definition.Steps)).ToList();
        List<Upstream> used = [];
        var asked = steps.OfType<LlmStepDefinition>()
            .SelectMany(step => step.Fallbacks.Select(fallback => fallback.Provider ?? step.Provider).Append(step.Provider))
            .Select(provider => provider ?? defaults.DefaultProvider).ToHashSet(StringComparer.Ordinal);
        foreach (var (name, baseUrl) in Providers.Where(provider => asked.Contains(provider.Name)))
        {
            var known = SimulatedUpstream.Find(name)!;
            used.Add(new(name, baseUrl, known.BaseUrlVariable, known.KeyVariables));
        }

        foreach (var name in steps.OfType<ExternalApiStepDefinition>().Select(step => step.Service).Distinct(StringComparer.Ordinal))
        {
            if (Find(services, name) is { } service)
            {
                used.Add(Of(service));
            }
        }

        return new(environment, used);
    }

    /// <summary>One service alone.</summary>
    /// <param name="service">The service.</param>
    /// <param name="environment">Environment variables.</param>
    public static UpstreamSettings Of(ServiceDefinition service, Func<string, string?> environment) => new(environment, [Of(service)]);

    /// <summary>Whether the simulator can stand in for it.</summary>
    public bool CanBeSimulated(Upstream upstream) =>
        SimulatedUpstream.Find(upstream.Name) is not null && upstream.BaseUrlVariable is { } variable && _environment(variable) is null;

    /// <summary>Lets the simulator stand in for those without a key.</summary>
    public void Simulate(Uri simulator)
    {
        foreach (var upstream in Keyless)
        {
            _instead[upstream.BaseUrlVariable!] = simulator.AbsoluteUri.TrimEnd('/') + SimulatedUpstream.Find(upstream.Name)!.SimulatorPath;
            _instead[upstream.KeyVariables[0]] = SimulatedUpstream.Key;
        }
    }

    /// <summary>Lets a recording stand in for those without a key: nothing is sent.</summary>
    public void Replay()
    {
        foreach (var upstream in Keyless)
        {
            _instead[upstream.KeyVariables[0]] = "replayed";
        }
    }

    /// <summary>A setting of the engine.</summary>
    public string? Setting(string name) => _instead.GetValueOrDefault(name) ?? _environment(name);

    /// <summary>Whose URL it is, and its path and query below the base URL; <c>unknown</c> and the whole path when nobody's.</summary>
    public (string Upstream, string Path) Locate(Uri url)
    {
        ArgumentNullException.ThrowIfNull(url);
        var found = _used.Select(upstream => (upstream.Name, Base: (upstream.BaseUrlVariable is { } name ? Setting(name) : null) ?? upstream.BaseUrl))
            .Where(candidate => candidate.Base is not null && Uri.TryCreate(candidate.Base, UriKind.Absolute, out _))
            .Select(candidate => (candidate.Name, Base: new Uri(candidate.Base!).AbsoluteUri.TrimEnd('/')))
            .Where(candidate => url.AbsoluteUri.StartsWith(candidate.Base, StringComparison.Ordinal))
            .MaxBy(candidate => candidate.Base.Length);
        return found.Name is { } owner ? (owner, url.AbsoluteUri[found.Base.Length..]) : ("unknown", url.PathAndQuery);
    }

    private static Upstream Of(ServiceDefinition service) => new(service.Name, service.BaseUrl, service.BaseUrlVariable, service.Auth?.Variables ?? []);

    private static IEnumerable<StepDefinition> AllSteps(IEnumerable<StepDefinition> steps) =>
        steps.SelectMany(step => step.Branches.SelectMany(branch => AllSteps(branch.Steps)).Prepend(step));

    private static ServiceDefinition? Find(ServiceCatalog services, string name)
    {
        try
        {
            return services.Get(name);
        }
        catch (WorkflowException)
        {
            // The step that calls it says what is wrong with it.
            return null;
        }
    }

    private string? Key(Upstream upstream) => upstream.KeyVariables.Select(Setting).FirstOrDefault(value => !string.IsNullOrWhiteSpace(value));
}
