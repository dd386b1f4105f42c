using LlmWorkflow.AppHost;
using LlmWorkflow.Tests.Support;
using Microsoft.Extensions.Configuration;

namespace LlmWorkflow.Tests.AppHost;

public sealed class AppHostSettingsTests
{
    [Fact]
    public void Read_Nothing_GivesTheDefaults()
    {
        var settings = AppHostSettings.Read(Configuration());

        Assert.Equal((8000, 8900, 18888, 2), (settings.ApiPort, settings.SimulatorPort, settings.AspireDashboardPort, settings.Workers));
    }

    [Fact]
    public void Read_SeveralWrong_NamesThemAll()
    {
        var exception = Assert.Throws<AppHostException>(() => AppHostSettings.Read(Configuration(("API_PORT", "eighty"), ("WORKERS", "0"))));

        Assert.Contains("API_PORT is 'eighty'", exception.Message, StringComparison.Ordinal);
        Assert.Contains("WORKERS is '0'", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void KeysOfFiles_ServicesOfOnesOwn_GiveTheirKeys()
    {
        using var tree = new WorkflowTree();
        tree.Write("services/mine.json", """{ "auth": { "variables": ["MINE_API_KEY", "OTHER_API_KEY"] } }""");
        tree.Write("services/open.json", """{ "name": "open" }""");
        tree.Write("services/broken.json", "{");

        Assert.Equal(["MINE_API_KEY"], ServiceSettings.KeysOfFiles(tree.Root));
        Assert.Empty(ServiceSettings.KeysOfFiles(Path.Combine(tree.Root, "nowhere")));
    }

    [Fact]
    public void Simulated_NoKeys_AreAll() =>
        Assert.Equal(["openrouter", "openai", "anthropic", "google_places", "weatherapi", "http_example"], Upstream.Simulated(Configuration()).Select(upstream => upstream.Name));

    [Theory]
    [InlineData("GOOGLE_SERVICES_API_KEY", "google_places")]
    [InlineData("GOOGLE_PLACES_API_KEY", "google_places")]
    [InlineData("GOOGLE_PLACES_BASE_URL", "google_places")]
    [InlineData("WEATHERAPI_API_KEY", "weatherapi")]
    [InlineData("WEATHERAPI_BASE_URL", "weatherapi")]
    [InlineData("HTTP_EXAMPLE_BASE_URL", "http_example")]
    [InlineData("OPENAI_API_KEY", "openai")]
    [InlineData("ANTHROPIC_BASE_URL", "anthropic")]
    public void Simulated_AnyKeyOrAddress_LeavesItOut(string variable, string name) =>
        Assert.Equal(Upstream.All.Select(upstream => upstream.Name).Where(known => known != name), Upstream.Simulated(Configuration((variable, "given"))).Select(upstream => upstream.Name));

    [Fact]
    public void ResolveHome_Relative_StartsAtTheRepository()
    {
        var configuration = Configuration((AppHostSettings.HomeVariable, "data"));

        AppHostSettings.ResolveHome(configuration, "/repository/LlmWorkflow.AppHost/");

        Assert.Equal("/repository/data", AppHostSettings.Home(configuration));
    }

    [Fact]
    public void Parse_DemoOnce_KeepsTheRestForTheBuilder()
    {
        var command = AppHostCommand.Parse(["demo", "--once", "--API_PORT=1"]);

        Assert.True(command is { Demo: true, Once: true, Help: false });
        Assert.Equal(["--API_PORT=1"], command.Rest);
    }

    [Theory]
    [InlineData("demonstrate")]
    [InlineData("--once")]
    public void Parse_Unknown_ShowsTheUsage(string argument)
    {
        var exception = Assert.Throws<AppHostException>(() => AppHostCommand.Parse([argument]));

        Assert.Contains("demo --once", exception.Message, StringComparison.Ordinal);
    }

    private static IConfiguration Configuration(params (string Name, string Value)[] values) =>
        new ConfigurationBuilder().AddInMemoryCollection(values.ToDictionary(value => value.Name, string? (value) => value.Value)).Build();
}
