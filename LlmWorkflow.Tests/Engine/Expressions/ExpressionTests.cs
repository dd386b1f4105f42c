using System.Text.Json;
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
    [InlineData("input.tags[-1]", "\"b\"")]
    [InlineData("input.tags[length(input.tags) - 1]", "\"b\"")]
    [InlineData("input[first(['city'])]", "\"Reno\"")]
    [InlineData("[[1, 2], [3]][0][1]", "2")]
    [InlineData("{a: {b: 5}}.a['b']", "5")]
    [InlineData("{}", "{}")]
    [InlineData("{a: 1, 'b c': [input.city, null], in: {}}", "{\"a\":1,\"b c\":[\"Reno\",null],\"in\":{}}")]
    [InlineData("context['job_id']", "\"j-1\"")]
    [InlineData("length(context) > 1", "true")]
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
    [InlineData("input.tags[-3]")]
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
    [InlineData("coalesce(input.x, input.cit)", "'input' has no 'cit'", "'city'", ErrorCategory.User)]
    [InlineData("upper(trim(input.cit))", "'input' has no 'cit'", "'city'", ErrorCategory.User)]
    [InlineData("1 + -input.contt * 2", "'input' has no 'contt'", "'count'", ErrorCategory.User)]
    [InlineData("input.yes ? steps.fech.output : 1", "no finished step is called 'fech'", "'fetch'", ErrorCategory.Config)]
    [InlineData("{a: [input.cit]}", "'input' has no 'cit'", "'city'", ErrorCategory.User)]
    [InlineData("input.tags[input.cnt]", "'input' has no 'cnt'", "'count'", ErrorCategory.User)]
    [InlineData("input.tags[null]", "null is no index", "", ErrorCategory.User)]
    [InlineData("first([]) + 1", "'first([])' has no items", "", ErrorCategory.Config)]
    [InlineData("now()", "context has no 'now'", "", ErrorCategory.Config)]
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
    [InlineData("", 0, "ends too early")]
    [InlineData("input.", 6, "a name after '.'")]
    [InlineData("input..a", 6, "a name after '.'")]
    [InlineData("input.a b", 8, "Unexpected 'b'")]
    [InlineData("input[0", 7, "Expected ']'")]
    [InlineData("input['a]", 6, "no closing quote")]
    [InlineData("input.a ?", 9, "ends too early")]
    [InlineData("input.a ? 1", 11, "Expected ':'")]
    [InlineData("input.a ?? ", 11, "ends too early")]
    [InlineData("input.a = 1", 8, "write '=='")]
    [InlineData("input.a === 1", 8, "write '=='")]
    [InlineData("input.a !== 1", 8, "write '!='")]
    [InlineData("a & b", 2, "'&&' or 'and'")]
    [InlineData("a | b", 2, "'||' or 'or'")]
    [InlineData("a?.b", 1, "copes with a missing member")]
    [InlineData("a not b", 6, "Expected 'in' after 'not'")]
    [InlineData("in", 0, "Unexpected 'in'")]
    [InlineData("1 + and", 4, "Unexpected 'and'")]
    [InlineData("'\\q'", 1, "Unknown escape")]
    [InlineData("'\\", 1, "Unknown escape")]
    [InlineData("[1", 2, "Expected ',' or ']'")]
    [InlineData("[1,]", 3, "Unexpected ']'")]
    [InlineData("{a 1}", 3, "Expected ':'")]
    [InlineData("{1: 2}", 1, "the name of a member")]
    [InlineData("{a: 1, 'a': 2}", 7, "two members 'a'")]
    [InlineData("1 + lenght(input.a)", 4, "There is no function 'lenght' (nearest: length)")]
    [InlineData("input.city(1)", 10, "Unexpected '('")]
    [InlineData("1 + slice([1])", 4, "'slice' takes 2 to 3 arguments: slice(value, start, end?)")]
    [InlineData("now(1)", 0, "'now' takes no argument: now()")]
    [InlineData("contains(input.a)", 0, "'contains' takes 2 arguments")]
    [InlineData("input.a matches '(a'", 16, "no regular expression")]
    [InlineData("a # b", 2, "Unexpected '#'")]
    [InlineData("1e999", 0, "too large a number")]
    public void Parse_Malformed_NamesPosition(string text, int position, string message)
    {
        ExpressionSyntaxException exception = Assert.Throws<ExpressionSyntaxException>(() => ExpressionParser.Parse(text));

        Assert.Equal(position, exception.Position);
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
    }
}
