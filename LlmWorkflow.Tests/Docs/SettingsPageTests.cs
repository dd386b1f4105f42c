using System.Text.RegularExpressions;
using LlmWorkflow.Api;
using LlmWorkflow.AppHost;
using LlmWorkflow.Cli.Services;
using LlmWorkflow.ServiceDefaults;
using LlmWorkflow.Tests.Support;
using LlmWorkflow.Worker;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace LlmWorkflow.Tests.Docs;

/// <summary>docs/settings.md lists what the processes read, neither more nor less.</summary>
public sealed partial class SettingsPageTests
{
    // Read by the simulator's host, by ./run and by llmflow, which no test can ask.
    private static readonly string[] Others = ["SIMULATOR_PORT", "Hosting", ApiAddress.UrlVariable];

    [Fact]
    public void Page_ItsTables_ListExactlyWhatIsRead()
    {
        var read = Api().Asked.Concat(Worker().Asked).Concat(AppHost()).Concat(Others).Select(OnPage).Distinct().Order(StringComparer.Ordinal);

        Assert.Equal(read, Page().Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Page_EachSetting_HasDefaultAndExample() =>
        Assert.All(Page(), setting => Assert.All(setting.Value, cell => Assert.NotEmpty(cell)));

    // {NAME} stands for each of OPENAI_COMPATIBLE_PROVIDERS.
    [Fact]
    public void Page_SettingsOfNamedProviders_AreThoseThatAreRead()
    {
        const string Provider = "SOME_PROVIDER";
        var read = Worker(("OPENAI_COMPATIBLE_PROVIDERS", "some_provider")).Asked.Where(name => name.StartsWith(Provider, StringComparison.Ordinal));
        var listed = NamedRow().Matches(File.ReadAllText(Path.Combine(Repository.Root, "docs", "settings.md"))).Select(match => Provider + match.Groups[1].Value);

        Assert.Equal(read.Order(StringComparer.Ordinal), listed.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void RunScript_ItsHelp_NamesOnlySettingsOfThePage()
    {
        var help = Help().Match(File.ReadAllText(Path.Combine(Repository.Root, "run"))).Value;
        var names = Name().Matches(help).Select(match => match.Value).ToList();

        Assert.Contains("API_PORT", names);
        Assert.Empty(names.Except(Page().Keys));
    }

    [Theory]
    [InlineData("LLM_WEBHOOK_SECRT", "LLM_WEBHOOK_SECRET")]
    [InlineData("WEBHOOK_TIMEOT", "WEBHOOK_TIMEOUT")]
    [InlineData("WORKER_SLOT", "WORKER_SLOTS")]
    [InlineData("OPENROUTER_KEY", "OPENROUTER_API_KEY")]
    public void Start_UnknownSettingOfOurOwn_IsRefusedWithTheNearestNameByApiAndWorker(string wrong, string meant)
    {
        var expected = $"{wrong}: unknown setting; the nearest known one is {meant}";

        Assert.Contains(expected, Api((wrong, "x")).Errors);
        Assert.Contains(expected, Worker((wrong, "x")).Errors);
    }

    // API and workers often run in one environment: neither may refuse a name of the other, of the AppHost, or of the platform.
    [Fact]
    public void Start_SettingsOfOtherProcesses_AreAccepted()
    {
        var environment = Api().Asked.Concat(Worker().Asked).Concat(AppHost())
            .Append("LLMWORKFLOW_JDBCCONNECTIONSTRING").Append("WORKER_SERVICE_HOST").Append("LLMWORKFLOW_API_PORT_8000_TCP")
            .Where(name => !name.Contains(':', StringComparison.Ordinal)).Distinct(StringComparer.OrdinalIgnoreCase).Select(name => (name, "x")).ToArray();

        Assert.DoesNotContain(Api(environment).Errors, error => error.Contains("unknown setting", StringComparison.Ordinal));
        Assert.DoesNotContain(Worker(environment).Errors, error => error.Contains("unknown setting", StringComparison.Ordinal));
    }

    private static SettingsReader Api(params (string Name, string Value)[] settings)
    {
        WebApplicationBuilder? builder = null;
        // Stores and keys are missing, so it ends before it builds anything.
        Assert.Throws<SettingsException>(() => ApiHost.Build([], b => builder = With(b, settings)));
        return builder!.Settings();
    }

    private static SettingsReader Worker(params (string Name, string Value)[] settings)
    {
        var builder = With(WebApplication.CreateBuilder(), settings);
        builder.AddServiceDefaults();
        builder.AddWorkflowStores();
        builder.AddWorker();
        return builder.Settings();
    }

    // Some names are asked for only when others are set or missing.
    private static WebApplicationBuilder With(WebApplicationBuilder builder, (string Name, string Value)[] settings)
    {
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["ENVIRONMENT"] = "production", ["DOTNET_ENVIRONMENT"] = null, ["ASPNETCORE_ENVIRONMENT"] = null, ["PORT"] = "8000",
            ["DATABASE_URL"] = null, ["REDIS_URL"] = null,
        });
        builder.Configuration.AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Name, (string?)setting.Value)));
        return builder;
    }

    private static IEnumerable<string> AppHost()
    {
        var asked = new Asked();
        IConfiguration configuration = new ConfigurationBuilder().Add(asked).Build();
        AppHostSettings.Read(configuration);
        AppHostSettings.ResolveHome(configuration, Path.Combine(Repository.Root, "LlmWorkflow.AppHost"));
        AppHostSettings.WorkflowsDirectory(configuration);
        Upstream.Simulated(configuration);
        return asked.Names.Where(name => !name.Contains(':', StringComparison.Ordinal));
    }

    // ':' is '__' in an environment, and 'urls' has a prefix there.
    private static string OnPage(string name) => name == "urls" ? "ASPNETCORE_URLS" : name.Replace(":", "__", StringComparison.Ordinal);

    // | `NAME` | default | example | what it does |
    private static Dictionary<string, string[]> Page() => Row().Matches(File.ReadAllText(Path.Combine(Repository.Root, "docs", "settings.md")))
        .ToDictionary(match => match.Groups[1].Value, match => match.Groups[2].Value.Split('|', StringSplitOptions.TrimEntries));

    [GeneratedRegex(@"^\| `(\w+)` \|(.*)\|$", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex(@"^\| `\{NAME\}(_\w+)` \|", RegexOptions.Multiline)]
    private static partial Regex NamedRow();

    [GeneratedRegex("(?s)^Settings, by environment:.*?^TEXT$", RegexOptions.Multiline)]
    private static partial Regex Help();

    [GeneratedRegex(@"\b(?:[A-Z]+_[A-Z_]+|WORKERS|Hosting)\b")]
    private static partial Regex Name();

    /// <summary>Settings that has none, and remembers what it was asked for.</summary>
    private sealed class Asked : ConfigurationProvider, IConfigurationSource
    {
        public HashSet<string> Names { get; } = [];

        public override bool TryGet(string key, out string? value)
        {
            Names.Add(key);
            return base.TryGet(key, out value);
        }

        public IConfigurationProvider Build(IConfigurationBuilder builder) => this;
    }
}
