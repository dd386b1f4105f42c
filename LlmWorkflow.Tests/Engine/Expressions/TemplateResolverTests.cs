using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Tests.Engine.Expressions;

public sealed class TemplateResolverTests
{
    [Theory]
    [InlineData("plain", "\"plain\"")]
    [InlineData("${input.count}", "3")]
    [InlineData("${input.tags}", "[\"a\",\"b\"]")]
    [InlineData("${input.nothing}", "null")]
    [InlineData(" ${input.count}", "\" 3\"")]
    [InlineData("${input.city}: ${input.ratio}/${input.yes}", "\"Reno: 1.50/true\"")]
    [InlineData("[${input.nothing}]", "\"[]\"")]
    [InlineData("t=${input.tags}", "\"t=[\\u0022a\\u0022,\\u0022b\\u0022]\"")]
    [InlineData("$${input.city}", "\"${input.city}\"")]
    [InlineData("costs $5 and $$ {x}", "\"costs $5 and $$ {x}\"")]
    [InlineData("${input.none ?? '}'}", "\"}\"")]
    [InlineData("${input.none ?? {}}", "{}")]
    [InlineData("${{a: {b: input.count}}}", "{\"a\":{\"b\":3}}")]
    [InlineData("n=${ {a: '}'}.a }${input.count > 2 ? 'many' : 'few'}", "\"n=}many\"")]
    [InlineData("${input.evil}!", "\"{{secret}} ${input.city} {{include:shared/tone.md}}!\"")]
    public void Resolve_String_GivesValue(string text, string expected)
    {
        JsonElement value = TemplateResolver.Resolve(JsonValues.String(text), TestScope.Standard);

        Assert.True(JsonElement.DeepEquals(JsonElement.Parse(expected), value), value.GetRawText());
    }

    [Fact]
    public void Resolve_NestedValue_ResolvesEveryStringAndKeepsTheRest()
    {
        JsonElement value = TemplateResolver.Resolve(
            JsonElement.Parse("""{"a": {"b": ["${input.count}", "x${input.city}", 1.0, true, null]}, "${input.city}": "${input.people[0]}"}"""),
            TestScope.Standard);

        Assert.Equal("""{"a":{"b":[3,"xReno",1.0,true,null]},"${input.city}":{"name":"Ann","age":40}}""", value.GetRawText());
    }

    [Fact]
    public void Resolve_ValueAsDeepAsInputMayBe_Works()
    {
        string deep = string.Concat(Enumerable.Repeat("[", 63)) + string.Concat(Enumerable.Repeat("]", 63));

        JsonElement value = TemplateResolver.Resolve(JsonElement.Parse("""{"a": {"b": {"c": "${input}"}}}"""), TestScope.Of(deep));

        Assert.Equal(JsonValueKind.Array, value.GetProperty("a").GetProperty("b").GetProperty("c").ValueKind);
    }

    [Theory]
    [InlineData("${input.city", "no closing '}'")]
    [InlineData("a ${}", "Unexpected '}' at position 5")]
    [InlineData("${input.nope}", "has no 'nope'")]
    [InlineData("x ${input.nope}", "has no 'nope'")]
    [InlineData("x ${input.city - 1}", "'-' cannot take a string and a number at position 16 of \"x ${input.city - 1}\".")]
    public void Resolve_BadExpression_IsExpressionError(string text, string message)
    {
        WorkflowException exception = Assert.Throws<WorkflowException>(() => TemplateResolver.Resolve(JsonValues.String(text), TestScope.Standard));

        Assert.Equal(ErrorTypes.ExpressionError, exception.Error.Type);
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
    }
}
