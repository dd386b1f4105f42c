using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using LlmWorkflow.Engine.Costs;

namespace LlmWorkflow.Tests.Engine.Costs;

public sealed class UsageReaderTests
{
    [Theory]
    [InlineData("""{"prompt_tokens": -5, "completion_tokens": 7}""", 0, 7, 0, 0)]
    [InlineData("""{"prompt_tokens": 10.9, "completion_tokens": "20"}""", 10, 20, 0, 0)]
    [InlineData("""{"prompt_tokens": 1e3, "completion_tokens": "1e2"}""", 1000, 100, 0, 0)]
    [InlineData("""{"prompt_tokens": 10, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 99, "cache_write_tokens": 5}}""", 10, 2, 10, 0)]
    [InlineData("""{"prompt_tokens": 10, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 6, "cache_write_tokens": 99}}""", 10, 2, 6, 4)]
    [InlineData("""{"prompt_tokens": 10, "completion_tokens": 2, "prompt_tokens_details": null, "completion_tokens_details": []}""", 10, 2, 0, 0)]
    [InlineData("""{"prompt_tokens": null, "completion_tokens": 2}""", 0, 2, 0, 0)]
    [InlineData("""{"prompt_tokens": 1e300, "completion_tokens": {"a": 1}}""", 0, 0, 0, 0)]
    [InlineData("""{"prompt_tokens": "ten", "completion_tokens": true, "total_tokens": "\ud800"}""", 0, 0, 0, 0)]
    [InlineData("""{"input_tokens": 5, "output_tokens": 1, "cache_read_input_tokens": -3, "cache_creation": "none"}""", 5, 1, 0, 0)]
    [InlineData("""{"input_tokens": 5, "output_tokens": 1, "cache_creation_input_tokens": 4, "cache_creation": null}""", 9, 1, 0, 4)]
    [InlineData("""{"output_tokens": 12}""", 0, 12, 0, 0)]
    public void Read_SenselessMembers_CountAsNothing(string json, long input, long output, long read, long write)
    {
        var tokens = UsageReader.Read(JsonElement.Parse(json))!.Tokens;

        Assert.Equal((input, output, read, write), (tokens.InputTokens, tokens.OutputTokens, tokens.CacheReadTokens, tokens.CacheWriteTokens));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("12")]
    [InlineData("""{"prompt_tokens": null, "completion_tokens": null}""")]
    [InlineData("""{"usage": 3}""")]
    [InlineData("""{"message": {"message": {"message": {"message": {"usage": {"input_tokens": 1}}}}}}""")]
    public void Read_NoKnownForm_IsNull(string json) => Assert.Null(UsageReader.Read(JsonElement.Parse(json)));

    [Fact]
    public void Read_Undefined_IsNull() => Assert.Null(UsageReader.Read(default));

    [Theory]
    [InlineData("""{"prompt_tokens": 1, "cost": -0.5}""", null)]
    [InlineData("""{"prompt_tokens": 1, "cost": "0.25"}""", "0.25")]
    [InlineData("""{"prompt_tokens": 1, "cost": null}""", null)]
    [InlineData("""{"prompt_tokens": 1, "cost": 0, "is_byok": true, "cost_details": {"upstream_inference_cost": 0.75}}""", "0.75")]
    [InlineData("""{"prompt_tokens": 1, "cost": 0.5, "is_byok": false, "cost_details": {"upstream_inference_cost": 0.75}}""", "0.5")]
    public void Read_Cost_IsWhatIsCharged(string json, string? expected) => Assert.Equal(
        expected is null ? null : decimal.Parse(expected), UsageReader.Read(JsonElement.Parse(json))!.ReportedUsd);

    [Theory]
    [InlineData("""{"input_tokens": 1, "service_tier": "standard", "speed": "standard", "inference_geo": "global"}""", "")]
    [InlineData("""{"input_tokens": 1, "service_tier": "batch", "speed": "fast", "inference_geo": "us"}""", "service_tier:batch inference_geo:us speed:fast")]
    [InlineData("""{"input_tokens": 1, "service_tier": "a b", "speed": 4, "inference_geo": "\ud800"}""", "")]
    [InlineData("""{"service_tier": "Flex", "usage": {"prompt_tokens": 1}}""", "service_tier:flex")]
    [InlineData("""{"service_tier": "flex", "usage": {"prompt_tokens": 1, "service_tier": "default"}}""", "")]
    public void Read_Terms_AreThoseThatAreNotOrdinary(string json, string expected) =>
        Assert.Equal(expected, string.Join(' ', UsageReader.Read(JsonElement.Parse(json))!.Terms));

    [Fact]
    public void Merge_CumulativeStream_LaterWinsUnlessNull()
    {
        var start = JsonElement.Parse(
            """{"type": "message_start", "message": {"usage": {"input_tokens": 10, "cache_read_input_tokens": 20, "cache_creation_input_tokens": 0, "output_tokens": 1, "service_tier": "priority"}}}""");
        var delta = JsonElement.Parse("""{"type": "message_delta", "usage": {"output_tokens": 55, "cache_read_input_tokens": null, "input_tokens": 11}}""");

        var read = UsageReader.Read(UsageReader.Merge(UsageReader.Merge(default, start), delta))!;

        Assert.Equal(new TokenUsage { InputTokens = 31, OutputTokens = 55, CacheReadTokens = 20 }, read.Tokens);
        Assert.Equal(["service_tier:priority"], read.Terms);
        Assert.Equal(JsonValueKind.Undefined, UsageReader.Merge(default, default).ValueKind);
    }

    [Fact]
    public void Read_AnyMembers_GivesPartsWithinTheWhole()
    {
        string[] names =
        [
            "prompt_tokens", "completion_tokens", "total_tokens", "input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "native_tokens_prompt",
            "prompt_tokens_details", "completion_tokens_details", "input_tokens_details", "cache_creation", "usage", "message", "cost", "is_byok", "service_tier", "\\ud800",
        ];
        string[] values =
        [
            "0", "7", "-1", "1.5", "1e999", "\"12\"", "\"\\ud800\"", "null", "true", "[]", "{}", """{"cached_tokens": 9, "cache_write_tokens": 5, "reasoning_tokens": 8}""",
            """{"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 4}""",
        ];
        var gen = from members in Gen.Elements(names).Zip(Gen.Elements(values)).ListOf()
                  select "{" + string.Join(',', members.Select(member => $"\"{member.Item1}\":{member.Item2}")) + "}";
        Prop.ForAll(gen.ToArbitrary(), json =>
        {
            var element = JsonElement.Parse(json);
            if (UsageReader.Read(UsageReader.Merge(element, element)) is { Tokens: var tokens })
            {
                Assert.InRange(tokens.CacheReadTokens + tokens.CacheWriteTokens + tokens.CacheWrite1hTokens, 0, tokens.InputTokens);
                Assert.InRange(tokens.ReasoningTokens, 0, tokens.OutputTokens);
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));
    }
}
