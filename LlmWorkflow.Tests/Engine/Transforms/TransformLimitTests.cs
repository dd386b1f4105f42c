using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using LlmWorkflow.Engine.Transforms;
using static LlmWorkflow.Tests.Engine.Transforms.TestTransform;

namespace LlmWorkflow.Tests.Engine.Transforms;

/// <summary>What is too large or too deep ends in a clear error, soon.</summary>
public sealed class TransformLimitTests
{
    private static readonly string s_million = "[" + string.Join(',', Enumerable.Repeat("1", 1_000_000)) + "]";

    public static TheoryData<string, string> Operations => new()
    {
        { "filter", """{"condition": "true"}""" },
        { "map", """{"expression": "item"}""" },
        { "join", "{}" },
        { "sort", "{}" },
        { "unique", "{}" },
        { "flatten", "{}" },
        { "limit", """{"count": 1}""" },
        { "group_by", """{"by": "item"}""" },
        { "merge", "{}" },
        { "pick", """{"fields": ["a"]}""" },
        { "extract_fields", """{"fields": {"a": "$"}}""" },
    };

    [Theory]
    [MemberData(nameof(Operations))]
    public void Apply_TooManyItems_IsRefused(string operation, string parameters) =>
        Assert.Contains("an array has 1000000 items or more; 100000 are allowed", Fails(() => Apply(operation, s_million, parameters), operation).Message, StringComparison.Ordinal);

    [Theory]
    [MemberData(nameof(Operations))]
    public void Apply_FiftyMegabytes_IsRefusedAtOnce(string operation, string parameters)
    {
        JsonElement input = JsonElement.Parse("[\"" + new string('x', 50 * 1024 * 1024) + "\"]");
        long start = Stopwatch.GetTimestamp();
        long before = GC.GetAllocatedBytesForCurrentThread();

        Assert.Contains("the input has 50 MiB, more than the 16 MiB", Fails(() => Apply(operation, input, parameters), operation).Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 10_000_000);
        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 0, 100);
    }

    [Theory]
    [InlineData("map", """{"value": ["${item}", "${item}", "${item}", "${item}"]}""")]
    [InlineData("join", """{"separator": "${input.long}"}""")]
    public void Apply_ResultGrowsTooLarge_StopsWhileItIsMade(string operation, string parameters)
    {
        string input = "[" + string.Join(',', Enumerable.Repeat("\"" + new string('x', 1000) + "\"", 10_000)) + "]";
        string own = parameters.Replace("${input.long}", new string('-', 1000), StringComparison.Ordinal);

        Assert.Contains("the result grows beyond 16 MiB", Fails(() => Apply(operation, input, own), operation).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Flatten_ManyShortArrays_CountsWhatItMakes()
    {
        string input = "[" + string.Join(',', Enumerable.Repeat("[1,2,3]", 50_000)) + "]";

        Assert.Contains("100000 are allowed", Fails(() => Apply("flatten", input, "{}"), "flatten").Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Sort_MostItemsThatAreAllowed_TakesSeconds()
    {
        Random random = new(1);
        string input = "[" + string.Join(',', Enumerable.Range(0, TransformLimits.MaxItems).Select(_ => random.Next().ToString(CultureInfo.InvariantCulture))) + "]";
        long start = Stopwatch.GetTimestamp();

        Assert.Equal(TransformLimits.MaxItems, Apply("sort", input, """{"by": "item"}""").GetArrayLength());
        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 0, 100);
    }

    [Fact]
    public void Apply_Cancelled_Stops()
    {
        using CancellationTokenSource source = new();
        source.Cancel();

        Assert.Throws<OperationCanceledException>(() => Apply("map", JsonElement.Parse("[1]"), """{"expression": "item"}""", source.Token));
    }

    [Theory]
    [InlineData("[")]
    [InlineData("{\"a\":")]
    [InlineData("[{\"a\":\"")]
    [InlineData("{")]
    [InlineData("\"[")]
    public void ParseJson_DeeplyNestedOrUnclosed_EndsSoon(string piece)
    {
        string text = string.Concat(Enumerable.Repeat(piece, 1_000_000 / piece.Length));
        long start = Stopwatch.GetTimestamp();

        Fails(() => ApplyToText("parse_json", text, "{}"), "parse_json");
        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 0, 100);
    }

    [Theory]
    [InlineData("> ")]
    [InlineData("- ")]
    [InlineData("**")]
    [InlineData("[")]
    [InlineData("# a\n")]
    [InlineData("|a")]
    [InlineData("|a|b|\n|-|-|\n")]
    [InlineData("- **A:** b\n  - c\n")]
    [InlineData("**Emergency Contacts**\n\n")]
    public void MarkdownToJson_HostileText_EndsSoon(string piece)
    {
        string text = string.Concat(Enumerable.Repeat(piece, 100_000 / piece.Length));
        long start = Stopwatch.GetTimestamp();
        foreach (string parameters in new[] { "{}", """{"sections": {"a": "Emergency Contacts"}}""" })
        {
            try
            {
                Markdown(text, parameters);
            }
            catch (LlmWorkflow.Engine.Diagnostics.WorkflowException exception)
            {
                Assert.StartsWith("Transform 'markdown_to_json' in step 'my_step': ", exception.Message, StringComparison.Ordinal);
            }
        }

        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 0, 100);
    }
}
