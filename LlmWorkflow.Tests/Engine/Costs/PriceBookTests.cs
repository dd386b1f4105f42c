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
        string[] terms =
        [
            "service_tier:batch", "service_tier:flex", "service_tier:priority", "service_tier:fast", "speed:fast", "inference_geo:us", "region:regional", "service_tier:unheard_of",
        ];
        Gen<(string Model, int Input, int Output, int Read, int Write, int Write1h, int Reasoning, string[] Asked, int Kept, int Day)> gen =
            from model in Gen.Elements(s_book.Models.ToArray())
            from input in Gen.Choose(-10, 400_000)
            from output in Gen.Choose(-10, 20_000)
            from read in Gen.Choose(-10, 400_000)
            from write in Gen.Choose(-10, 400_000)
            from write1h in Gen.Choose(-10, 400_000)
            from reasoning in Gen.Choose(-10, 20_000)
            from asked in Gen.SubListOf(terms)
            from kept in Gen.Choose(0, 255)
            from day in Gen.Choose(0, 600)
            select (model, input, output, read, write, write1h, reasoning, asked.ToArray(), kept, day);
        Prop.ForAll(gen.ToArbitrary(), sample =>
        {
            TokenUsage usage = new()
            {
                InputTokens = sample.Input,
                OutputTokens = sample.Output,
                CacheReadTokens = sample.Read,
                CacheWriteTokens = sample.Write,
                CacheWrite1hTokens = sample.Write1h,
                ReasoningTokens = sample.Reasoning,
            };
            // The answer is under what was asked for, or under less: a provider may fall back to its ordinary service.
            string[] answered = [.. sample.Asked.Where((_, index) => (sample.Kept >> index & 1) == 1)];
            DateTimeOffset at = s_now.AddDays(-sample.Day);
            decimal cost = s_book.Cost(sample.Model, usage, at, answered)!.Value;
            Assert.InRange(cost, 0, s_book.WorstCase(sample.Model, sample.Input + 10, sample.Output + 10, at, true, sample.Asked)!.Value);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(3000));
    }

    [Fact]
    public void WorstCase_Terms_SurchargesCountAndDiscountsDoNot()
    {
        decimal plain = s_book.WorstCase("claude-opus-4-6", 1000, 100, s_now)!.Value;

        Assert.Equal((1000 * 5m + 100 * 25m) / 1_000_000m, plain);
        Assert.Equal(plain, s_book.WorstCase("claude-opus-4-6", 1000, 100, s_now, terms: ["service_tier:batch"]));
        Assert.Equal(plain * 6.6m, s_book.WorstCase("claude-opus-4-6", 1000, 100, s_now, terms: ["speed:fast", "inference_geo:us", "speed:fast"]));
    }

    [Fact]
    public void Price_TierAndMultiplier_TellsWhy()
    {
        PricedCall priced = s_book.Price(
            "openai/gpt-5.6-luna", new TokenUsage { InputTokens = 300_000, CacheReadTokens = 100_000, OutputTokens = 10, ReasoningTokens = 4 }, s_now, ["service_tier:flex", "x:y"])!;

        Assert.Equal(("gpt-5.6-luna", 272_000L, new DateTimeOffset(2026, 7, 30, 0, 0, 0, TimeSpan.Zero), null), (priced.Model, priced.AboveInputTokens, priced.From!.Value, priced.To));
        Assert.Equal([KeyValuePair.Create("service_tier:flex", 0.5m)], priced.Multipliers);
        Assert.Equal(["x:y"], priced.UnknownTerms);
        Assert.Equal(
            [new("input", 200_000, 0.4m, 0.04m), new("cache_read", 100_000, 0.04m, 0.002m), new("output", 6, 1.8m, 0.0000054m), new("reasoning", 4, 1.8m, 0.0000036m)],
            priced.Parts);
    }

    [Theory]
    [InlineData("a/b", "c/d", "c/d")]
    [InlineData("a/b", "a/b-20260101", "a/b-20260101")]
    [InlineData("a/b", null, "a/b")]
    [InlineData("a/b", "", "a/b")]
    [InlineData("a/b:free", "a/b", "a/b:free")]
    [InlineData("a/b:free", "A/B", "a/b:free")]
    [InlineData("a/b", "a/b:free", "a/b:free")]
    [InlineData("a/bc", "a/b", "a/b")]
    public void Resolve_RequestedAndAnswered_IsTheModelThatAnswered(string requested, string? answered, string expected) =>
        Assert.Equal(expected, PriceBook.Resolve(requested, answered));

    [Theory]
    [InlineData("CLAUDE-HAIKU-4-5", true)]
    [InlineData("claude-haiku-4-5-20251001", true)]
    [InlineData("anthropic/claude-haiku-4.5-2025-10-01:nitro", true)]
    [InlineData("claude-haiku-4-5@20251001", true)]
    [InlineData("anthropic/claude-haiku-4.5:floor", true)]
    [InlineData("anthropic/claude-haiku-4.5:free", false)]
    [InlineData("anthropic/claude-haiku-4.5:extended", false)]
    [InlineData("claude-haiku-4-5-20251301", false)]
    [InlineData("claude-haiku-4-5-2025-1001", false)]
    [InlineData("claude-haiku-4-5-preview", false)]
    [InlineData("claude-haiku", false)]
    [InlineData("", false)]
    public void Knows_SnapshotsAndVariants_AreTheModel(string id, bool expected) => Assert.Equal(expected, s_book.Knows(id));

    [Fact]
    public void Cost_FreeVariant_IsZeroOnlyWhereTheBookSaysSo()
    {
        PriceBook book = PriceBookReader.Parse(
            """{"unit": "usd_per_million_tokens", "default_max_tokens": 1, "models": {"a/b": {"prices": [{"input": 1, "output": 1}]}, "a/b:free": {"prices": [{"input": 0, "output": 0}]}}}""");

        Assert.Equal(0, book.Cost("a/b:free", new TokenUsage { InputTokens = 5 }, s_now));
        Assert.Equal(0.000005m, book.Cost("a/b", new TokenUsage { InputTokens = 5 }, s_now));
    }

    [Theory]
    [InlineData("1.01", "1", "0.01", false)]
    [InlineData("1.0100001", "1", "0.0100001", true)]
    [InlineData("0.98", "1", "-0.02", true)]
    [InlineData("0", "1", "-1", true)]
    [InlineData("0.000001", "0", "1", true)]
    [InlineData("0", "0", null, false)]
    [InlineData(null, "1", null, false)]
    [InlineData("1", null, null, false)]
    public void Drift_ComputedAndReported_IsRelative(string? computed, string? reported, string? drift, bool isOver)
    {
        Assert.Equal(Amount(drift), CostDrift.Of(Amount(computed), Amount(reported)));
        Assert.Equal(isOver, CostDrift.IsOver(Amount(computed), Amount(reported)));

        static decimal? Amount(string? text) => text is null ? null : decimal.Parse(text, CultureInfo.InvariantCulture);
    }

    [Theory]
    [InlineData("{", "malformed JSON")]
    [InlineData("""{"unit": "usd", "default_max_tokens": 1, "models": {}}""", "/unit")]
    [InlineData("""{"unit": "usd_per_million_tokens", "models": {}}""", "/default_max_tokens) is missing")]
    [InlineData("""{"unit": "usd_per_million_tokens", "default_max_tokens": 1, "models": {"m": {"prices": []}}}""", "/models/m/prices")]
    [InlineData("""{"unit": "usd_per_million_tokens", "default_max_tokens": 1, "models": {"m": {"prices": [{"input": 1}]}}}""", "/models/m/prices/0/output) is missing")]
    [InlineData("""{"unit": "usd_per_million_tokens", "default_max_tokens": 1, "models": {"m": {"prices": [{"input": -1, "output": 1}]}}}""", "/models/m/prices/0/input) must be")]
    [InlineData("""{"unit": "usd_per_million_tokens", "default_max_tokens": 1, "models": {"m": {"prices": [{"input": 1, "output": 1, "cache_reed": 1}]}}}""", "Did you mean 'cache_read'?")]
    [InlineData("""{"unit": "usd_per_million_tokens", "default_max_tokens": 1, "models": {"m": {"aliases": ["M"], "prices": [{"input": 1, "output": 1}]}}}""", "priced twice")]
    [InlineData("""{"unit": "usd_per_million_tokens", "default_max_tokens": 1, "models": {"m": {"prices": [{"input": 1, "output": 1}, {"input": 2, "output": 1}]}}}""", "periods must follow")]
    [InlineData("""{"unit": "usd_per_million_tokens", "default_max_tokens": 1, "models": {"a/m": {"prices": [{"from": "2026-1-1", "input": 1, "output": 1}]}}}""", "/models/a~1m/prices/0/from) must be a date")]
    [InlineData("""{"unit": "usd_per_million_tokens", "default_max_tokens": 1, "models": {"m": {"prices": [{"from": "2026-02-01", "to": "2026-02-01", "input": 1, "output": 1}]}}}""", "must be after 'from'")]
    [InlineData("""{"unit": "usd_per_million_tokens", "default_max_tokens": 1, "models": {"m": {"prices": [{"input": 1, "output": 1, "multipliers": {"batch": 0.5}}]}}}""", "must be a term such as")]
    [InlineData("""{"unit": "usd_per_million_tokens", "default_max_tokens": 1, "models": {"m": {"prices": [{"input": 1, "output": 1, "multipliers": {"a:b": 0}}]}}}""", "must be a number above 0")]
    [InlineData("""{"unit": "usd_per_million_tokens", "default_max_tokens": 1, "models": {"m": {"prices": [{"input": 1, "output": 1, "sources": ["web"]}]}}}""", "none of the file's sources")]
    [InlineData("""{"unit": "usd_per_million_tokens", "default_max_tokens": 1, "models": {"m": {"prices": [{"input": 1, "output": 1, "tiers": [{"above_input_tokens": 5, "input": 1, "output": 1}, {"above_input_tokens": 5, "input": 2, "output": 1}]}]}}}""", "two tiers of the same length")]
    [InlineData("""{"unit": "usd_per_million_tokens", "default_max_tokens": 1, "models": {"m": {"prices": [{"input": 1, "output": 1, "caches_by_itself": 1}]}}}""", "must be true or false")]
    [InlineData("[]", "must be an object")]
    public void Parse_WrongFile_SaysWhere(string json, string message) =>
        Assert.Contains(message, Assert.Throws<WorkflowException>(() => PriceBookReader.Parse(json)).Message, StringComparison.Ordinal);
}
