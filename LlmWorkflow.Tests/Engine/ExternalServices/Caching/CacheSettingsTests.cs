using LlmWorkflow.Engine;

namespace LlmWorkflow.Tests.Engine.ExternalServices.Caching;

public sealed class CacheSettingsTests
{
    [Theory]
    [InlineData(null, 3600)]
    [InlineData("0", 0)]
    [InlineData("0.5", 0.5)]
    [InlineData("2592000", 2_592_000)]
    public void Read_CacheDefaultTtl_IsInSeconds(string? text, double seconds)
    {
        EngineOptions options = new();

        EngineSettings.Read(name => name == "CACHE_DEFAULT_TTL" ? text : null, development: true, (name, problem) => Assert.Fail($"{name} {problem}"))(options);

        Assert.Equal(seconds, options.CacheDefaultTtl.TotalSeconds);
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("2592001")]
    [InlineData("1h")]
    public void Read_WrongCacheDefaultTtl_IsRefused(string text)
    {
        List<string> problems = [];

        EngineSettings.Read(name => name == "CACHE_DEFAULT_TTL" ? text : null, development: true, (name, problem) => problems.Add($"{name} {problem}"));

        Assert.Equal(["CACHE_DEFAULT_TTL must be a number of seconds from 0 to 2592000"], problems);
    }
}
