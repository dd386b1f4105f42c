using System.Text.Json;
using LlmWorkflow.Tests.Support;

namespace LlmWorkflow.Tests.Cli;

public sealed class PricesCommandTests
{
    private const string Chat = """
        {"prompt_tokens": 12000, "completion_tokens": 900, "prompt_tokens_details": {"cached_tokens": 8192, "cache_write_tokens": 2048}, "completion_tokens_details": {"reasoning_tokens": 640}}
        """;

    [Fact]
    public async Task Prices_NoModel_ListsAllWithTheirTiers()
    {
        var (code, call) = await RunAsync("", "prices");
        var (_, json) = await RunAsync("", "prices", "--at", "2026-10-06", "--json");

        Assert.Equal(0, code);
        Assert.Contains(call.OutLines, line => line.StartsWith("gpt-6.1-terra ", StringComparison.Ordinal));
        Assert.Contains(call.OutLines, line => line.StartsWith("  above 272000 input tokens ", StringComparison.Ordinal));
        var list = JsonElement.Parse(json.Out);
        Assert.Equal("2026-10-06T00:00:00Z", list.GetProperty("at").GetString());
        var sonnet = list.GetProperty("models").EnumerateArray().Single(model => model.GetProperty("model").GetString() == "claude-sonnet-5-5");
        Assert.Equal("0.2", sonnet.GetProperty("price").GetProperty("cache_read").GetRawText());
    }

    [Fact]
    public async Task Prices_OneModel_ShowsEveryPeriodOrThatOfATime()
    {
        var (_, all) = await RunAsync("", "prices", "anthropic/claude-sonnet-5.5", "--json");
        var (_, old) = await RunAsync("", "prices", "claude-sonnet-5-5", "--at", "2026-10-06T23:59:59Z");
        var (_, tiers) = await RunAsync("", "prices", "claude-haiku-5-5-20261001");

        Assert.Equal(2, JsonElement.Parse(all.Out).GetProperty("prices").GetArrayLength());
        Assert.Equal("claude-sonnet-5-5", JsonElement.Parse(all.Out).GetProperty("priced_as").GetString());
        Assert.Contains("before 2026-10-07T00:00:00Z", old.Out);
        Assert.DoesNotContain("from 2026-10-07", old.Out);
        Assert.Contains("above 100000 input tokens", tiers.Out);
    }

    [Fact]
    public async Task Prices_Usage_IsExactWithoutTrailingZeros()
    {
        var (code, call) = await RunAsync(Chat, "prices", "gpt-6.1-terra", "--usage", "-", "--at", "2026-11-21", "--json");

        Assert.Equal(0, code);
        var cost = JsonElement.Parse(call.Out);
        Assert.Equal("0.0092296", cost.GetProperty("cost_usd").GetRawText());
        Assert.Equal(("computed", "2026-11-21T00:00:00Z"), (cost.GetProperty("cost_source").GetString(), cost.GetProperty("at").GetString()));
        Assert.Equal(
            """{"input":12000,"output":900,"cache_read":8192,"cache_write_5m":2048,"cache_write_1h":0,"reasoning":640,"total":12900}""",
            JsonSerializer.Serialize(cost.GetProperty("tokens")));
    }

    [Fact]
    public async Task Prices_UsageOfAWholeReply_TakesModelAndTermsFromIt()
    {
        using var tree = new WorkflowTree();
        await File.WriteAllTextAsync(Path.Combine(tree.Root, "reply.json"), $$"""{"model": "gpt-6.1-terra", "service_tier": "flex", "usage": {{Chat}}}""");
        using var call = new CliCall { CurrentDirectory = tree.Root };

        Assert.Equal(0, await call.RunAsync("prices", "--usage", "reply.json", "--term", "region:regional", "--json", "--workflows", Path.Combine(Repository.Root, "workflows")));

        var cost = JsonElement.Parse(call.Out);
        Assert.Equal(0.0092296m * 0.5m * 1.1m, cost.GetProperty("cost_usd").GetDecimal());
        Assert.Equal("""{"service_tier:flex":0.5,"region:regional":1.1}""", JsonSerializer.Serialize(cost.GetProperty("multipliers")));
    }

    [Theory]
    [InlineData(
        "event: message_start\ndata: {\"type\": \"message_start\", \"message\": {\"model\": \"claude-haiku-4-5\", \"usage\": {\"input_tokens\": 10, \"cache_read_input_tokens\": 100, \"output_tokens\": 1}}}\n\nevent: ping\ndata: {\"type\": \"ping\"}\n\nevent: message_delta\ndata: {\"type\": \"message_delta\", \"usage\": {\"output_tokens\": 50}}\n\n",
        "0.00027", 160)]
    [InlineData(
        ": comment\ndata: {\"model\": \"gpt-5.6-luna\", \"service_tier\": \"flex\", \"choices\": [], \"usage\": null}\ndata: {\"model\": \"gpt-5.6-luna\", \"service_tier\": \"flex\", \"choices\": [], \"usage\": {\"prompt_tokens\": 1000, \"completion_tokens\": 100}}\ndata: [DONE]\n",
        "0.00016", 1100)]
    public async Task Prices_UsageOfARecordedStream_IsItsLastCount(string stream, string expected, long total)
    {
        var (code, call) = await RunAsync(stream, "prices", "--usage", "-", "--at", "2026-11-21", "--json");

        Assert.True(code == 0, call.Error);
        var cost = JsonElement.Parse(call.Out);
        Assert.Equal((expected, total), (cost.GetProperty("cost_usd").GetRawText(), cost.GetProperty("tokens").GetProperty("total").GetInt64()));
    }

    [Fact]
    public async Task Prices_ReportedUsage_WinsAndShowsTheDrift()
    {
        var (code, call) = await RunAsync("""{"prompt_tokens": 1000, "completion_tokens": 100, "cost": 0.004}""", "prices", "openai/gpt-4o", "--usage", "-", "--json");
        var (unknown, other) = await RunAsync("""{"prompt_tokens": 1000, "completion_tokens": 100, "cost": 0.004}""", "prices", "acme/new", "--usage", "-", "--json");

        Assert.Equal((0, 0), (code, unknown));
        var cost = JsonElement.Parse(call.Out);
        Assert.Equal(("reported", "0.004", "0.0035", "-0.125"), (cost.GetProperty("cost_source").GetString(), Raw("cost_usd"), Raw("computed_usd"), Raw("drift")));
        Assert.Equal("reported", JsonElement.Parse(other.Out).GetProperty("cost_source").GetString());

        string Raw(string name) => cost.GetProperty(name).GetRawText();
    }

    [Fact]
    public async Task Prices_UnknownModel_EndsOneWithTheNearestNames()
    {
        var (code, call) = await RunAsync("", "prices", "claude-sonet-5");
        var (priced, usage) = await RunAsync(Chat, "prices", "acme/none", "--usage", "-", "--json");

        Assert.Equal((1, 1), (code, priced));
        Assert.Contains("Did you mean 'claude-sonnet-5'", call.Error);
        Assert.Equal("", call.Out);
        var cost = JsonElement.Parse(usage.Out);
        Assert.Equal((JsonValueKind.Null, "unknown"), (cost.GetProperty("cost_usd").ValueKind, cost.GetProperty("cost_source").GetString()));
        Assert.Equal(12900, cost.GetProperty("tokens").GetProperty("total").GetInt64());
    }

    [Theory]
    [InlineData("must be a date or time", "", "prices", "--at", "soon")]
    [InlineData("is not valid JSON", "{", "prices", "gpt-4o", "--usage", "-")]
    [InlineData("no usage block of a known form", "{}", "prices", "gpt-4o", "--usage", "-")]
    [InlineData("say which model", """{"prompt_tokens": 1}""", "prices", "--usage", "-")]
    [InlineData("there is no file 'none.json'", "", "prices", "gpt-4o", "--usage", "none.json")]
    [InlineData("--term belongs to --usage", "", "prices", "gpt-4o", "--term", "a:b")]
    [InlineData("Did you mean 'model'", "", "usage", "--by", "modle", "--database", "postgres://u:p@127.0.0.1:1/d")]
    [InlineData("--from must be before --to", "", "usage", "--from", "2026-11-11", "--to", "2026-11-11", "--database", "postgres://u:p@127.0.0.1:1/d")]
    [InlineData("DATABASE_URL: is missing", "", "recost")]
    public async Task RunAsync_WrongUse_EndsTwoWithTheReason(string told, string input, params string[] args)
    {
        var (code, call) = await RunAsync(input, args);

        Assert.Equal(2, code);
        Assert.Contains(told, call.Error);
    }

    [Fact]
    public async Task Prices_BrokenFile_NamesThePlace()
    {
        using var tree = new WorkflowTree();
        tree.Write("pricing.json", "{\n  \"unit\": \"eur\", \"default_max_tokens\": 1, \"models\": {}\n}");
        using var call = new CliCall { CurrentDirectory = tree.Root };

        Assert.Equal(2, await call.RunAsync("prices", "--workflows", "."));
        Assert.Contains("pricing.json:2:11 error INVALID_VALUE 'unit' must be", call.Error);
    }

    [Fact]
    public async Task Suggest_AfterPrices_GivesModels()
    {
        var (_, call) = await RunAsync("", "[suggest:15]", "llmflow prices ");

        Assert.Contains("claude-opus-5-5", call.OutLines.Select(line => line.Trim()));
    }

    [Fact]
    public async Task UsageAndRecost_OnADatabase_TellWhatIsThere()
    {
        await using var database = await TestServers.CreateDatabaseAsync();

        Assert.Contains("total", await WithDatabaseAsync("usage"));
        Assert.Contains("AT", await WithDatabaseAsync("usage", "--drift"));
        Assert.Contains("0 calls looked at, 0 would change", await WithDatabaseAsync("recost", "--dry-run", "--all"));
        Assert.Equal(0, JsonElement.Parse(await WithDatabaseAsync("recost", "--json")).GetProperty("changed").GetInt32());
        await WithDatabaseAsync("migrate", "down", "--yes");
        using var call = new CliCall();
        Assert.Equal(1, await call.RunAsync("usage", "--database", database.ConnectionString));
        Assert.Contains("llmflow migrate up", call.Error);

        async Task<string> WithDatabaseAsync(params string[] args)
        {
            using var call = new CliCall();
            call.Environment["DATABASE_URL"] = database.ConnectionString;
            Assert.True(await call.RunAsync(args) == 0, call.Error);
            return call.Out;
        }
    }

    private static async Task<(int Code, CliCall Call)> RunAsync(string input, params string[] args)
    {
        var call = new CliCall { In = input };
        return (await call.RunAsync(args), call);
    }
}
