using System.Globalization;
using System.Text.Json;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Tests.Engine.Definitions;
using LlmWorkflow.Tests.Support;

namespace LlmWorkflow.Tests.Engine.Costs;

/// <summary>
/// Usage blocks in the shapes that providers send, with what they must come to by the shipped price book. The figures in the table were worked out
/// from the vendors' rates apart from this code; each row shows its arithmetic.
/// </summary>
public sealed class GoldenUsageTests
{
    private static readonly PriceBook s_shipped = PriceBookReader.Parse(File.ReadAllText(Path.Combine(ShippedWorkflows.Directory, "pricing.json")));

    private static readonly Dictionary<string, JsonElement> s_cases = JsonElement
        .Parse(File.ReadAllText(Path.Combine(Repository.Root, "LlmWorkflow.Tests", "Engine", "Costs", "GoldenUsage.json")))
        .EnumerateArray().ToDictionary(row => row.GetProperty("name").GetString()!);

    public static TheoryData<string> Names => [.. s_cases.Keys];

    [Fact]
    public void Table_Shipped_HasEveryKindOfCase()
    {
        Assert.InRange(s_cases.Count, 45, 1000);
        foreach (var kind in (string[])["openai chat", "openai responses", "anthropic", "openrouter", "price change", "tier at 100k", "tier at 200k", "tier at 272k", "per request"])
        {
            Assert.Contains(s_cases.Keys, name => name.StartsWith(kind, StringComparison.Ordinal));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Price_RecordedUsage_IsExact(string name)
    {
        var row = s_cases[name];
        var usage = row.TryGetProperty("stream", out var events)
            ? events.EnumerateArray().Aggregate(default(JsonElement), UsageReader.Merge)
            : row.GetProperty("usage");

        var report = UsageReader.Read(usage)!;
        var book = row.TryGetProperty("book", out var own) ? PriceBookReader.Parse(own.GetRawText()) : s_shipped;
        var model = Text(row, "model")!;
        model = Text(row, "requested") is { } requested ? PriceBook.Resolve(requested, model) : model;
        Assert.True(IsoTime.TryParse(Text(row, "at")!, out var at));
        var priced = book.Price(model, report.Tokens, at, report.Terms);

        Assert.Equal(row.GetProperty("tokens").EnumerateObject().Select(kind => (kind.Name, kind.Value.GetInt64())), Kinds(report.Tokens));
        Assert.Equal(Texts(row, "terms"), report.Terms);
        Assert.Equal(Texts(row, "unknown_terms"), priced?.UnknownTerms ?? []);
        Assert.Equal(Amount(row, "computed_usd"), priced?.Usd);
        Assert.Equal(Amount(row, "reported_usd"), report.ReportedUsd);
        Assert.Equal(priced?.Usd, priced?.Parts.Sum(part => part.Usd));
        var settled = new CallSettlement { CallId = default, State = CallState.Settled, ComputedUsd = priced?.Usd, ReportedUsd = report.ReportedUsd };
        Assert.Equal(Text(row, "cost_source"), settled.CostSource);
    }

    private static IEnumerable<(string Name, long Count)> Kinds(TokenUsage tokens) =>
    [
        ("input", tokens.InputTokens), ("output", tokens.OutputTokens), ("cache_read", tokens.CacheReadTokens), ("cache_write_5m", tokens.CacheWriteTokens),
        ("cache_write_1h", tokens.CacheWrite1hTokens), ("reasoning", tokens.ReasoningTokens),
    ];

    private static string? Text(JsonElement row, string name) => row.TryGetProperty(name, out var text) ? text.GetString() : null;

    private static IEnumerable<string> Texts(JsonElement row, string name) => row.TryGetProperty(name, out var texts) ? texts.EnumerateArray().Select(text => text.GetString()!) : [];

    private static decimal? Amount(JsonElement row, string name) => Text(row, name) is { } text ? decimal.Parse(text, CultureInfo.InvariantCulture) : null;
}
