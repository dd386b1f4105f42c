using LlmWorkflow.Engine;

namespace LlmWorkflow.Tests.Engine.Providers;

public sealed class ProviderSettingsTests
{
    [Fact]
    public void Read_NamedProviders_AreReadWithTheirSettings()
    {
        var (options, problems) = Read(
            ("OPENAI_COMPATIBLE_PROVIDERS", "ollama, azure_eu"), ("DEFAULT_PROVIDER", "ollama"),
            ("OLLAMA_BASE_URL", "http://localhost:11434/v1"),
            ("AZURE_EU_BASE_URL", "https://x.openai.azure.com/openai/v1"), ("AZURE_EU_API_KEY", "k"), ("AZURE_EU_AUTH_HEADER", "api-key"),
            ("AZURE_EU_API_VERSION", "2024-10-21"), ("AZURE_EU_MAX_TOKENS_FIELD", "max_completion_tokens"), ("AZURE_EU_STREAM_USAGE", "off"), ("AZURE_EU_RESPONSE_FORMATS", "json_schema"));

        Assert.Empty(problems);
        Assert.Equal("ollama", options.DefaultProvider);
        Assert.Equal(2, options.CompatibleProviders.Count);
        var (ollama, azure) = (options.CompatibleProviders[0], options.CompatibleProviders[1]);
        Assert.Equal(("ollama", new Uri("http://localhost:11434/v1"), null, "Authorization", null, "max_tokens", true), (ollama.Name, ollama.BaseUrl, ollama.ApiKey, ollama.AuthHeader, ollama.ApiVersion, ollama.MaxTokensField, ollama.AsksForStreamUsage));
        Assert.Equal(["json_schema", "json_object"], ollama.ResponseFormats);
        Assert.Equal(("azure_eu", "k", "api-key", "2024-10-21", "max_completion_tokens", false), (azure.Name, azure.ApiKey, azure.AuthHeader, azure.ApiVersion, azure.MaxTokensField, azure.AsksForStreamUsage));
        Assert.Equal(["json_schema"], azure.ResponseFormats);
    }

    [Fact]
    public void Read_NativeProviders_AreRead()
    {
        var (options, problems) = Read(
            ("OPENAI_API_KEY", "a"), ("OPENAI_BASE_URL", "https://a.example/v1"), ("ANTHROPIC_API_KEY", "b"), ("ANTHROPIC_BASE_URL", "https://b.example"), ("DEFAULT_PROVIDER", "anthropic"));

        Assert.Empty(problems);
        Assert.Equal(("a", "https://a.example/v1", "b", "https://b.example/", "anthropic"), (options.OpenAIApiKey, options.OpenAIBaseUrl.AbsoluteUri, options.AnthropicApiKey, options.AnthropicBaseUrl.AbsoluteUri, options.DefaultProvider));
    }

    [Theory]
    [InlineData("DEFAULT_PROVIDER", "opnai", "DEFAULT_PROVIDER")]
    [InlineData("OPENAI_COMPATIBLE_PROVIDERS", "Ollama", "OPENAI_COMPATIBLE_PROVIDERS")]
    [InlineData("OPENAI_COMPATIBLE_PROVIDERS", "x,x", "OPENAI_COMPATIBLE_PROVIDERS,X_BASE_URL")]
    [InlineData("OPENAI_COMPATIBLE_PROVIDERS", "openai", "OPENAI_COMPATIBLE_PROVIDERS")]
    [InlineData("OPENAI_COMPATIBLE_PROVIDERS", "admin", "OPENAI_COMPATIBLE_PROVIDERS")]
    [InlineData("OPENAI_COMPATIBLE_PROVIDERS", "x", "X_BASE_URL")]
    [InlineData("OPENAI_BASE_URL", "api.openai.com", "OPENAI_BASE_URL")]
    [InlineData("ANTHROPIC_BASE_URL", "ftp://x", "ANTHROPIC_BASE_URL")]
    public void Read_WrongSetting_IsTold(string name, string value, string expected) =>
        Assert.Equal(expected.Split(',').Order(), Read((name, value)).Problems.Order());

    [Theory]
    [InlineData("X_AUTH_HEADER", "api key:")]
    [InlineData("X_MAX_TOKENS_FIELD", "max")]
    [InlineData("X_STREAM_USAGE", "maybe")]
    [InlineData("X_RESPONSE_FORMATS", "json")]
    [InlineData("X_BASE_URL", "localhost:11434")]
    public void Read_WrongSettingOfANamedProvider_IsTold(string name, string value) =>
        Assert.Equal([name], Read(("X_BASE_URL", "http://localhost"), ("OPENAI_COMPATIBLE_PROVIDERS", "x"), (name, value)).Problems);

    [Fact]
    public void Variable_KeysOfProviders_CannotBeReadByServiceFiles()
    {
        var (options, _) = Read(
            ("OPENAI_COMPATIBLE_PROVIDERS", "ollama"), ("OLLAMA_BASE_URL", "http://localhost"), ("OLLAMA_API_KEY", "secret"), ("OPENAI_API_KEY", "secret"),
            ("ANTHROPIC_API_KEY", "secret"), ("OPENROUTER_API_KEY", "secret"), ("MAPS_API_KEY", "theirs"));

        Assert.All(["OLLAMA_API_KEY", "ollama_api_key", "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENROUTER_API_KEY"], name => Assert.Null(options.Variable(name)));
        Assert.Equal("theirs", options.Variable("MAPS_API_KEY"));
    }

    private static (EngineOptions Options, List<string> Problems) Read(params (string Name, string Value)[] settings)
    {
        // The last one of a name counts.
        var given = settings.GroupBy(setting => setting.Name, StringComparer.OrdinalIgnoreCase).ToDictionary(group => group.Key, group => group.Last().Value, StringComparer.OrdinalIgnoreCase);
        List<string> problems = [];
        var read = EngineSettings.Read(given.GetValueOrDefault, development: true, (name, _) => problems.Add(name));
        var options = new EngineOptions();
        read(options);
        return (options, problems);
    }
}
