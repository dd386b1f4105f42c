using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Tests.Engine.Expressions;

public sealed class ExpressionReadsTests
{
    // A read that is absorbed has a question mark behind it.
    [Theory]
    [InlineData("1 + 'a'", "")]
    [InlineData("input.a.b[0]", "input.a.b[0]")]
    [InlineData("input.a[steps.x.n].b", "input.a[steps.x.n].b steps.x.n")]
    [InlineData("steps.a.output ?? steps.b.output", "steps.a.output? steps.b.output")]
    [InlineData("coalesce(input.a, input.b, input.c)", "input.a? input.b? input.c")]
    [InlineData("exists(input.a) && empty(input.b)", "input.a? input.b?")]
    [InlineData("!input.a", "input.a?")]
    [InlineData("input.a + 1 == -input.b", "input.a? input.b?")]
    [InlineData("input.a < 1", "input.a?")]
    [InlineData("input.a contains input.b", "input.a? input.b?")]
    [InlineData("input.a ? input.b : input.c", "input.a? input.b input.c")]
    [InlineData("upper(input.a) + -input.b", "input.a input.b")]
    [InlineData("[input.a, {b: input.b}]", "input.a input.b")]
    [InlineData("first(input.a).name", "input.a")]
    [InlineData("(input.a ?? input.b).c ?? 1", "input.a? input.b?")]
    [InlineData("now()", "")]
    public void Of_Expression_ListsPaths(string text, string expected) => Assert.Equal(
        expected, string.Join(' ', ExpressionReads.Of(ExpressionParser.Parse(text)).Select(read => $"{read.Path}{(read.Absorbed ? "?" : "")}")));
}
