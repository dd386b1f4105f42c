using LlmWorkflow.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace LlmWorkflow.Tests.ServiceDefaults;

public sealed class SettingsTests
{
    [Fact]
    public void Read_RightValues_GivesThem()
    {
        var settings = Reader(("FLAG", "Yes"), ("NUMBER", "7"), ("WAIT", "2.5"), ("BLANK", "  "));

        Assert.True(settings.Flag("FLAG"));
        Assert.Equal(7, settings.Whole("NUMBER", 1, 1, 10));
        Assert.Equal(TimeSpan.FromSeconds(2.5), settings.Seconds("WAIT", TimeSpan.Zero));
        Assert.Null(settings.Text("BLANK"));
        Assert.Equal(3, settings.Whole("MISSING", 3));
        settings.ThrowIfAny();
    }

    [Fact]
    public void ThrowIfAny_SeveralWrong_ListsAllWithoutValues()
    {
        var settings = Reader(("FLAG", "hidden-a"), ("NUMBER", "99"), ("WAIT", "hidden-b"), ("LLM_TIMOUT", "hidden-c"), ("OTHER", "x"));
        settings.Flag("FLAG");
        settings.Whole("NUMBER", 1, 1, 10);
        settings.Seconds("WAIT", TimeSpan.Zero);
        settings.RejectUnknown("LLM_", "LLM_TIMEOUT", "LLM_WEBHOOK_SECRET");

        var thrown = Assert.Throws<SettingsException>(settings.ThrowIfAny);

        Assert.Equal(["FLAG", "NUMBER", "WAIT", "LLM_TIMOUT"], thrown.Errors.Select(error => error.Split(':')[0]));
        Assert.Contains("from 1 to 10", thrown.Message);
        Assert.Contains("nearest known one is LLM_TIMEOUT", thrown.Message);
        Assert.DoesNotContain("hidden", thrown.Message);
    }

    [Fact]
    public async Task StartAsync_WrongSettingsNobodyAskedFor_RefusesTheStart()
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection([new("DATABASE_POOL_SIZE", "many"), new("LOG_LEVEL", "loud"), new("REDIS_URL", "redis://h:x")]);
        builder.AddServiceDefaults().AddWorkflowStores();
        using var host = builder.Build();

        var thrown = await Assert.ThrowsAsync<SettingsException>(() => host.StartAsync());

        Assert.Equal(
            ["LOG_LEVEL", "DATABASE_POOL_SIZE", "DATABASE_URL", "REDIS_URL"],
            thrown.Errors.Select(error => error.Split(':')[0]));
    }

    [Theory]
    [InlineData("production", null, "Production")]
    [InlineData("dev", null, "Development")]
    [InlineData("production", "Staging", "Staging")]
    public void AddServiceDefaults_Environment_IsHonouredUnlessDotnetSaysOtherwise(string environment, string? dotnet, string expected)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = dotnet });
        builder.Configuration.AddInMemoryCollection([new("ENVIRONMENT", environment), new("DOTNET_ENVIRONMENT", dotnet), new("ASPNETCORE_ENVIRONMENT", null)]);

        builder.AddServiceDefaults();

        Assert.Equal(expected, builder.Environment.EnvironmentName);
    }

    internal static SettingsReader Reader(params (string Name, string? Value)[] values) =>
        new(new ConfigurationBuilder().AddInMemoryCollection(values.Select(pair => KeyValuePair.Create(pair.Name, pair.Value))).Build());
}
