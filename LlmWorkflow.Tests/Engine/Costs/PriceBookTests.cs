using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Tests.Engine.Definitions;

namespace LlmWorkflow.Tests.Engine.Costs;

public sealed class PriceBookTests
{
    private static readonly DateTimeOffset s_now = new(2026, 11, 21, 0, 0, 0, TimeSpan.Zero);

    private static readonly PriceBook s_book = PriceBookReader.Parse(File.ReadAllText(Path.Combine(ShippedWorkflows.Directory, "pricing.json")));

    [Theory]
    [InlineData("anthropic/claude-3.5-sonnet", 1_000_000, 1_000_000, 0, 0, 0, "18")]
    [InlineData("claude-3-5-sonnet-20241022", 1234, 567, 0, 0, 0, "0.012207")]
    [InlineData("claude-3-haiku-20240307", 1_000_000, 1_000_000, 0, 0, 0, "1.5")]
    [InlineData("anthropic/claude-opus-4", 1_000_000, 1_000_000, 0, 0, 0, "90")]
    [InlineData("openai/gpt-4o", 1_000_000, 1_000_000, 0, 0, 0, "12.5")]
    [InlineData("gpt-4o", 1_000_000, 0, 1_000_000, 0, 0, "1.25")]
    [InlineData("claude-haiku-4-5", 1_000_000, 0, 100_000, 200_000, 300_000, "1.26")]
    [InlineData("claude-haiku-5-5", 100_000, 1000, 0, 0, 0, "0.0105")]
    [InlineData("claude-haiku-5-5", 100_001, 1000, 0, 0, 0, "0.0525005")]
    [InlineData("gpt-6.1-terra", 272_001, 0, 272_001, 0, 0, "0.0272001")]
    [InlineData("claude-3-haiku", 0, 0, 0, 0, 0, "0")]
    public void Cost_KnownModel_IsExact(string model, long input, long output, long read, long write, long write1h, string expected)
    {
        TokenUsage usage = new() { InputTokens = input, OutputTokens = output, CacheReadTokens = read, CacheWriteTokens = write, CacheWrite1hTokens = write1h };

        Assert.Equal(decimal.Parse(expected, CultureInfo.InvariantCulture), s_book.Cost(model, usage, s_now));
    }

    [Theory]
    [InlineData("2026-10-06T23:59:59Z", "0.2")]
    [InlineData("2026-10-07T00:00:00Z", "0.1")]
    [InlineData("2020-01-01T00:00:00Z", "0.2")]
    public void Cost_PriceChange_FollowsTheDate(string at, string expected) => Assert.Equal(
        decimal.Parse(expected, CultureInfo.InvariantCulture),
        s_book.Cost("claude-sonnet-5-5", new TokenUsage { InputTokens = 1_000_000, CacheReadTokens = 1_000_000 }, DateTimeOffset.Parse(at, CultureInfo.InvariantCulture)));

    [Fact]
    public void Cost_UnknownModel_IsNullNotZero()
    {
        Assert.Null(s_book.Cost("no/such-model", new TokenUsage { InputTokens = 1 }, s_now));
        Assert.Null(s_book.Cost("anthropic/claude-3.5-sonnet:free", new TokenUsage { InputTokens = 1 }, s_now));
        Assert.Null(s_book.WorstCase("no/such-model", 1, 1, s_now));
        Assert.Equal(8192, s_book.DefaultMaxTokens("no/such-model"));
        Assert.Equal(4096, s_book.DefaultMaxTokens("anthropic/claude-3-haiku"));
    }

    [Fact]
    public void Parse_ShippedFile_HasTheModelsUnderBothIds()
    {
        Assert.InRange(s_book.Models.Count, 80, 200);
        foreach (string id in (string[])["claude-opus-4-7", "anthropic/claude-opus-4.7", "gpt-5", "openai/gpt-5", "x-ai/grok-4.5", "qwen/qwen3-235b-a22b-2507", "google/gemini-2.5-pro"])
        {
            Assert.True(s_book.Knows(id), id);
        }
    }

    [Fact]
    public void WorstCase_AnyUsageWithinBounds_IsNotExceeded()
    {
        Gen<(string Model, int Input, int Output, int Read, int Write, int Reasoning)> gen =
            from model in Gen.Elements(s_book.Models.ToArray())
            from input in Gen.Choose(-10, 400_000)
            from output in Gen.Choose(-10, 20_000)
            from read in Gen.Choose(-10, 400_000)
            from write in Gen.Choose(-10, 400_000)
            from reasoning in Gen.Choose(-10, 20_000)
            select (model, input, output, read, write, reasoning);
        Prop.ForAll(gen.ToArbitrary(), sample =>
        {
            TokenUsage usage = new()
            {
                InputTokens = sample.Input,
                OutputTokens = sample.Output,
                CacheReadTokens = sample.Read,
                CacheWriteTokens = sample.Write,
                ReasoningTokens = sample.Reasoning,
            };
            decimal cost = s_book.Cost(sample.Model, usage, s_now)!.Value;
            Assert.InRange(cost, 0, s_book.WorstCase(sample.Model, sample.Input, sample.Output, s_now, true)!.Value);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(1000));
    }

    [Theory]
    [InlineData("{", "malformed JSON")]
    [InlineData("""{"unit": "usd", "default_max_tokens": 1, "models": {}}""", "/unit")]
    [InlineData("""{"unit": "usd_per_million_tokens", "models": {}}""", "/default_max_tokens is missing")]
    [InlineData("""{"unit": "usd_per_million_tokens", "default_max_tokens": 1, "models": {"m": {"prices": []}}}""", "/models/m/prices")]
    [InlineData("""{"unit": "usd_per_million_tokens", "default_max_tokens": 1, "models": {"m": {"prices": [{"input": 1}]}}}""", "/models/m/prices/0/output is missing")]
    [InlineData("""{"unit": "usd_per_million_tokens", "default_max_tokens": 1, "models": {"m": {"prices": [{"input": -1, "output": 1}]}}}""", "/models/m/prices/0/input must be")]
    [InlineData("""{"unit": "usd_per_million_tokens", "default_max_tokens": 1, "models": {"m": {"prices": [{"input": 1, "output": 1, "cache_reed": 1}]}}}""", "Did you mean 'cache_read'?")]
    [InlineData("""{"unit": "usd_per_million_tokens", "default_max_tokens": 1, "models": {"m": {"aliases": ["M"], "prices": [{"input": 1, "output": 1}]}}}""", "priced twice")]
    [InlineData("""{"unit": "usd_per_million_tokens", "default_max_tokens": 1, "models": {"m": {"prices": [{"input": 1, "output": 1}, {"input": 2, "output": 1}]}}}""", "periods must follow")]
    public void Parse_WrongFile_SaysWhere(string json, string message) =>
        Assert.Contains(message, Assert.Throws<WorkflowException>(() => PriceBookReader.Parse(json)).Message, StringComparison.Ordinal);
}
