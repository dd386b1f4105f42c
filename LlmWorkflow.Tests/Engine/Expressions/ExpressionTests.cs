using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Tests.Engine.Expressions;

public sealed class ExpressionTests
{
    [Theory]
    [InlineData("input.city", "\"Reno\"")]
    [InlineData("input['city']", "\"Reno\"")]
    [InlineData("input.people[1].name", "\"Bob\"")]
    [InlineData("input['odd key'][\"x-y\"]", "7")]
    [InlineData(" input . tags [ 0 ] ", "\"a\"")]
    [InlineData("input.tags[index]", "\"a\"")]
    [InlineData("input.nothing", "null")]
    [InlineData("steps.fetch.output.data.places[1]", "2")]
    [InlineData("steps.fetch.data.places[1]", "2")]
    [InlineData("steps['fetch'].status_code", "200")]
    [InlineData("steps.fetch.status", "\"completed\"")]
    [InlineData("steps.fetch.usage.total_tokens", "9")]
    [InlineData("steps.fetch.duration_ms", "12")]
    [InlineData("steps.skipped_one.status", "\"skipped\"")]
    [InlineData("context.radius", "15000")]
    [InlineData("context.job_id", "\"j-1\"")]
    [InlineData("item.id", "5")]
    [InlineData("input.town ?? input.city", "\"Reno\"")]
    [InlineData("input.nothing ?? 'x'", "\"x\"")]
    [InlineData("input.a.b.c ?? input.d ?? -2.5", "-2.5")]
    [InlineData("steps.unknown.output ?? []", "[]")]
    [InlineData("(input.town ?? input).count", "3")]
    [InlineData("input.town ?? {}", "{}")]
    [InlineData("input.yes ?? false", "true")]
    [InlineData("'it\\'s \\u0041'", "\"it's A\"")]
    public void Evaluate_Expression_GivesValue(string text, string expected)
    {
        JsonElement value = ExpressionEvaluator.Evaluate(ExpressionParser.Parse(text), TestScope.Standard);

        Assert.True(JsonElement.DeepEquals(JsonElement.Parse(expected), value), $"{text} gave {JsonValues.ToText(value)}");
    }

    [Theory]
    [InlineData("input.town")]
    [InlineData("input.city.length")]
    [InlineData("input.tags[2]")]
    [InlineData("input.tags[-1]")]
    [InlineData("input.tags[0.5]")]
    [InlineData("input.tags['a']")]
    [InlineData("input.nothing.deeper")]
    [InlineData("steps.unknown.output")]
    [InlineData("steps.skipped_one.output")]
    [InlineData("steps.fetch.error")]
    [InlineData("steps")]
    [InlineData("context.password")]
    [InlineData("nobody")]
    public void Evaluate_MissingMember_IsUndefined(string text) =>
        Assert.Equal(JsonValueKind.Undefined, ExpressionEvaluator.Evaluate(ExpressionParser.Parse(text), TestScope.Standard).ValueKind);

    [Theory]
    [InlineData("input.citi", "input.citi", "'city'", ErrorCategory.User)]
    [InlineData("input.people[0].nme", "'input.people[0]' has no 'nme'", "'name'", ErrorCategory.User)]
    [InlineData("input.tags[7]", "has 2 items and none at 7", "", ErrorCategory.User)]
    [InlineData("input.city.length", "'input.city' is a string", "", ErrorCategory.User)]
    [InlineData("input.a.b.c", "'input' has no 'a'", "", ErrorCategory.User)]
    [InlineData("steps.fech.output", "no finished step is called 'fech'", "'fetch'", ErrorCategory.Config)]
    [InlineData("steps.fetch.dta", "'steps.fetch' has no 'dta'", "'data'", ErrorCategory.Config)]
    [InlineData("steps.skipped_one.output.x", "'steps.skipped_one' has no 'output'", "", ErrorCategory.Config)]
    [InlineData("context.radios", "context has no 'radios'", "'radius'", ErrorCategory.Config)]
    [InlineData("inputs.city", "there is no 'inputs'", "'input'", ErrorCategory.Config)]
    [InlineData("input.x ?? input.cit", "'input' has no 'cit'", "'city'", ErrorCategory.User)]
    public void Require_MissingMember_NamesPathAndNearest(string text, string message, string suggestion, ErrorCategory category)
    {
        WorkflowException exception = Assert.Throws<WorkflowException>(() => ExpressionEvaluator.Require(ExpressionParser.Parse(text), TestScope.Standard));

        Assert.Equal(ErrorTypes.ExpressionError, exception.Error.Type);
        Assert.Equal(category, exception.Error.Category);
        Assert.False(exception.Error.Retryable);
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
        Assert.Contains(suggestion, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData("input.", 6)]
    [InlineData("input..a", 6)]
    [InlineData("input.a b", 8)]
    [InlineData("input[0", 7)]
    [InlineData("input['a]", 6)]
    [InlineData("input.a ?", 8)]
    [InlineData("input.a ?? ", 11)]
    [InlineData("input.a == 1", 8)]
    [InlineData("'\\q'", 1)]
    [InlineData("[1]", 1)]
    [InlineData("99999999999999999999999999999999999", 0)]
    public void Parse_Malformed_NamesPosition(string text, int position) =>
        Assert.Equal(position, Assert.Throws<ExpressionSyntaxException>(() => ExpressionParser.Parse(text)).Position);

    [Fact]
    public void Parse_TooLongOrTooDeep_IsRefused()
    {
        Assert.Throws<ExpressionSyntaxException>(() => ExpressionParser.Parse("input." + new string('a', 5000)));
        Assert.Throws<ExpressionSyntaxException>(() => ExpressionParser.Parse("input" + string.Concat(Enumerable.Repeat(".a", 100))));
        Assert.Throws<ExpressionSyntaxException>(() => ExpressionParser.Parse(new string('(', 1000) + "a" + new string(')', 1000)));
        Assert.Throws<ExpressionSyntaxException>(() => ExpressionParser.Parse(string.Join(" ?? ", Enumerable.Repeat("a", 100))));
        Assert.Throws<ExpressionSyntaxException>(() => ExpressionParser.Parse(string.Concat(Enumerable.Repeat("a[", 1000))));
    }

    [Fact]
    public void Evaluate_RandomText_ThrowsOnlyItsOwnErrors()
    {
        Gen<string> piece = Gen.Elements(
            "input", "steps", "fetch", "context", "item", ".", "[", "]", "0", "1", "'city'", "city", "tags", "people", "??", "(", ")", "{", "}", " ", "\"", "\\", "-", "é", "null", "output", "name");
        Prop.ForAll(Gen.ListOf(piece).Select(string.Concat).ToArbitrary(), text =>
        {
            try
            {
                Expression expression = ExpressionParser.Parse(text);
                JsonElement value = ExpressionEvaluator.Evaluate(expression, TestScope.Standard);
                JsonElement again = ExpressionEvaluator.Evaluate(ExpressionParser.Parse(expression.ToString()), TestScope.Standard);
                Assert.Equal(JsonValues.ToText(value), JsonValues.ToText(again));
                ExpressionEvaluator.Require(expression, TestScope.Standard);
            }
            catch (ExpressionSyntaxException exception)
            {
                Assert.InRange(exception.Position, 0, text.Length);
            }
            catch (WorkflowException)
            {
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(3000));
    }
}
