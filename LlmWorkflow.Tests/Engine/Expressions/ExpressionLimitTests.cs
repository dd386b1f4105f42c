using System.Diagnostics;
using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Tests.Engine.Expressions;

public sealed class ExpressionLimitTests
{
    private static readonly ExpressionScope s_large = TestScope.Of(JsonSerializer.Serialize(new
    {
        text = new string('a', 1_000_000),
        list = Enumerable.Range(0, 150_000),
        lists = Enumerable.Range(0, 300).Select(i => Enumerable.Range(0, 300)),
        twin = Enumerable.Range(0, 150_000),
        commas = new string(',', 1_500_000),
    }));

    [Theory]
    [InlineData("a", 5000, "", "longer than 4096 characters")]
    [InlineData(" ", 5000, "a", "longer than 4096 characters")]
    [InlineData(".a", 100, "", "deeper than 64")]
    [InlineData(" + a", 100, "", "deeper than 64")]
    [InlineData(" ?? a", 100, "", "deeper than 64")]
    [InlineData(" ? a : a", 100, "", "deeper than 64")]
    public void Parse_TooLong_IsRefused(string piece, int count, string end, string message) =>
        Refused(string.Concat(Enumerable.Repeat(piece, count)).Insert(0, piece.Trim().Length > 1 ? "a" : "") + end, message);

    [Theory]
    [InlineData("(", "a", ")")]
    [InlineData("!", "a", "")]
    [InlineData("-", "a", "")]
    [InlineData("not ", "a", "")]
    [InlineData("[", "", "]")]
    [InlineData("{a:", "1", "}")]
    [InlineData("a[", "0", "]")]
    [InlineData("length(", "a", ")")]
    public void Parse_TooDeep_IsRefused(string open, string inner, string close) => Refused(
        string.Concat(Enumerable.Repeat(open, 500)) + inner + string.Concat(Enumerable.Repeat(close, 500)), "deeper than 64");

    [Fact]
    public void Parse_ChainsInParentheses_CannotAddUpToADeepTree() =>
        Refused(Enumerable.Range(0, 50).Aggregate("a", (text, _) => $"({text} + a + a + a + a)"), "deeper than 64");

    [Fact]
    public void Parse_AtTheLimit_Works()
    {
        Assert.Equal(60, ExpressionEvaluator.Evaluate(ExpressionParser.Parse(string.Join(" + ", Enumerable.Repeat("1", 60))), TestScope.Standard).GetInt32());
        Assert.Equal(4094, ExpressionEvaluator.Evaluate(ExpressionParser.Parse($"'{new string('x', 4094)}'"), TestScope.Standard).GetString()!.Length);
    }

    [Theory]
    [InlineData("input.text + input.text + input.text + input.text + input.text", "larger than 4194304 characters")]
    [InlineData("[input.text, input.text, input.text, input.text, input.text]", "larger than 4194304 characters")]
    [InlineData("{a: input, b: input, c: input}", "larger than 4194304 characters")]
    [InlineData("join(input.list, input.text)", "larger than 4194304 characters")]
    [InlineData("url_encode(input.commas)", "larger than 4194304 characters")]
    [InlineData("split(input.commas, ',')", "more than 100000 items")]
    [InlineData("slice(input.list, 0)", "more than 100000 items")]
    [InlineData("input.text matches input.text", "longer than 500 characters")]
    [InlineData("sum(input.list) + sum(input.list) + sum(input.list) + sum(input.list) + sum(input.list) + sum(input.list) + sum(input.list)", "more than 1000000 steps")]
    [InlineData("input.list == input.twin && input.list == input.twin && input.list == input.twin && input.list == input.twin", "more than 1000000 steps")]
    [InlineData("[-1] in input.lists && true", null)]
    [InlineData("sum(input.list)", null)]
    [InlineData("149999 in input.list", null)]
    [InlineData("input.list[-1]", null)]
    public void Evaluate_MuchWork_EndsInTime(string text, string? message)
    {
        Expression expression = ExpressionParser.Parse(text);
        long start = Stopwatch.GetTimestamp();

        Exception? exception = Record.Exception(() => ExpressionEvaluator.Evaluate(expression, s_large));

        Assert.InRange(Stopwatch.GetElapsedTime(start), TimeSpan.Zero, TimeSpan.FromMinutes(1));
        Assert.Equal(message is null, exception is null);
        if (message is not null)
        {
            Assert.Contains(message, Assert.IsType<WorkflowException>(exception).Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("(a+)+$")]
    [InlineData("(a|a)*b")]
    [InlineData("^(?=(a+)+$)x")]
    [InlineData("(a+)+\\\\1b")]
    [InlineData("((a{1,500}){1,500}){1,500}b")]
    [InlineData("(a?){400}a{400}b")]
    [InlineData("(.*.*.*.*.*=){40}")]
    public void Evaluate_HostilePattern_EndsInTime(string pattern)
    {
        Expression expression = ExpressionParser.Parse($"input.text matches '{pattern}'");
        long start = Stopwatch.GetTimestamp();

        Exception? exception = Record.Exception(() => ExpressionEvaluator.Evaluate(expression, s_large));

        Assert.InRange(Stopwatch.GetElapsedTime(start), TimeSpan.Zero, TimeSpan.FromMinutes(1));
        Assert.True(exception is null or WorkflowException, exception?.ToString());
    }

    [Fact]
    public void Evaluate_PatternThatBacktracks_IsTypedError()
    {
        Expression expression = ExpressionParser.Parse("input.text matches '^(?=(a+)+b)x|(a+)+\\\\2b'");

        WorkflowException exception = Assert.Throws<WorkflowException>(() => ExpressionEvaluator.Evaluate(expression, s_large));

        Assert.Contains("takes longer than 100 ms at position 12", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("upper(input.half)")]
    [InlineData("input.half + 'x'")]
    [InlineData("keys(input.odd)")]
    [InlineData("input.odd.y")]
    public void Evaluate_HalfASurrogatePair_IsTypedErrorOrValue(string text)
    {
        ExpressionScope scope = TestScope.Of("""{"half": "\ud800", "odd": {"\udc00": 1}}""");

        Exception? exception = Record.Exception(() => ExpressionEvaluator.Require(ExpressionParser.Parse(text), scope));

        Assert.IsType<WorkflowException>(exception);
    }

    [Fact]
    public void Resolve_LargeValueManyTimes_IsRefused()
    {
        JsonElement many = JsonSerializer.SerializeToElement(Enumerable.Repeat("${input.text}", 100));
        string text = string.Concat(Enumerable.Repeat("${input.text} ", 100));

        Assert.Contains("more than 4194304", Assert.Throws<WorkflowException>(() => TemplateResolver.Resolve(many, s_large)).Message, StringComparison.Ordinal);
        Assert.Contains("more than 4194304", Assert.Throws<WorkflowException>(() => TemplateResolver.ResolveText(text, s_large)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Fault_LongExpression_ShowsThePlace()
    {
        string text = $"'{new string('x', 500)}' + 'here' + [] + '{new string('y', 500)}'";

        WorkflowException exception = Assert.Throws<WorkflowException>(() => ExpressionEvaluator.Evaluate(ExpressionParser.Parse(text), TestScope.Standard));

        Assert.Contains("at position 513 of \"…", exception.Message, StringComparison.Ordinal);
        Assert.Contains("'here' + []", exception.Message, StringComparison.Ordinal);
        Assert.InRange(exception.Message.Length, 1, 300);
    }

    private static void Refused(string text, string message) =>
        Assert.Contains(message, Assert.Throws<ExpressionSyntaxException>(() => ExpressionParser.Parse(text)).Message, StringComparison.Ordinal);
}
