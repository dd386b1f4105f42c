using LlmWorkflow.Api;
using LlmWorkflow.ServiceDefaults;

namespace LlmWorkflow.Tests.Api;

public sealed class ApiSettingsTests
{
    private const string Key = "a secret of at least 32 characters!!";

    [Fact]
    public void Build_ProductionWithoutKeys_NamesAllThatIsMissing()
    {
        var error = Assert.Throws<SettingsException>(() => Build("Production"));

        Assert.Contains(error.Errors, e => e.StartsWith("LLM_MICROSERVICE_API_KEY: is missing", StringComparison.Ordinal));
        Assert.Contains(error.Errors, e => e.StartsWith("ADMIN_API_KEY: is missing", StringComparison.Ordinal));
        Assert.Contains(error.Errors, e => e.StartsWith("ENCRYPTION_KEY: is missing", StringComparison.Ordinal));
    }

    [Fact]
    public void Build_NoEnvironmentNamed_IsProduction() => Assert.Throws<SettingsException>(() => Build(null));

    [Fact]
    public void Build_ProductionWithDevelopmentKeys_IsRefused()
    {
        var error = Assert.Throws<SettingsException>(() => Build(
            "Production", ("LLM_SERVICE_API_SECRET", "good,dev-key"), ("ADMIN_API_KEY", "dev-admin-key"), ("ENCRYPTION_KEY", Key)));

        Assert.Equal(["ADMIN_API_KEY", "LLM_SERVICE_API_SECRET"], error.Errors.Select(e => e.Split(':')[0]).Order());
    }

    [Fact]
    public void Build_ManyWrongSettings_AreListedOnceWithoutValues()
    {
        var error = Assert.Throws<SettingsException>(() => Build(
            "Development", ("WEBHOOK_TIMEOUT", "soon"), ("WEBHOOK_RETRY_DELAYS", "5,x"), ("OPENROUTER_BASE_URL", "nowhere"), ("ENCRYPTION_KEY", "hunter2"),
            ("CORS_ORIGINS", "https://ok.example,https://bad.example/path"), ("REDIS_PREFIX", "a}b"), ("WEBHOOK_ALLOW_PRIVATE", "maybe"), ("MIGRATE_ON_START", "x")));

        Assert.Equal(
            ["CORS_ORIGINS", "ENCRYPTION_KEY", "MIGRATE_ON_START", "OPENROUTER_BASE_URL", "REDIS_PREFIX", "WEBHOOK_ALLOW_PRIVATE", "WEBHOOK_RETRY_DELAYS", "WEBHOOK_TIMEOUT"],
            error.Errors.Select(e => e.Split(':')[0]).Order(StringComparer.Ordinal));
        Assert.DoesNotContain("hunter2", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("WEBHOOK_TIMEOUTS", "WEBHOOK_TIMEOUT")]
    [InlineData("LLM_MICROSERVICE_APIKEY", "LLM_MICROSERVICE_API_KEY")]
    [InlineData("OPENROUTER_KEY", "OPENROUTER_API_KEY")]
    public void Build_UnknownSetting_NamesTheNearest(string name, string nearest)
    {
        var error = Assert.Throws<SettingsException>(() => Build("Development", (name, "x")));

        Assert.Contains(nearest, Assert.Single(error.Errors), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Build_NamesThatPlatformsSet_AreLetPass()
    {
        await using var app = Build(
            "Production", ("LLM_MICROSERVICE_API_KEY", "k1, k2"), ("ADMIN_API_KEY", "k3"), ("ENCRYPTION_KEY", Key), ("LLMWORKFLOW_HOST", "x"),
            ("LLMWORKFLOW_API_SERVICE_HOST", "x"), ("LLMWORKFLOW_API_PORT_8000_TCP", "x"), ("CORS_ORIGINS", "https://app.example.com"));

        var options = (ApiOptions)app.Services.GetService(typeof(ApiOptions))!;
        Assert.Equal(["k1", "k2"], options.AppKeys);
        Assert.Equal(["k3"], options.AdminKeys);
        Assert.Equal(["https://app.example.com"], options.CorsOrigins);
    }

    private static Microsoft.AspNetCore.Builder.WebApplication Build(string? environment, params (string Name, string Value)[] settings) =>
        ApiHost.Build(environment is null ? [] : ["--environment", environment], builder =>
        {
            builder.Configuration["DATABASE_URL"] = "postgres://u:p@127.0.0.1:1/x";
            builder.Configuration["ConnectionStrings:redis"] = "127.0.0.1:1,connectTimeout=100,abortConnect=false";
            foreach (var (name, value) in settings)
            {
                builder.Configuration[name] = value;
            }
        });
}
