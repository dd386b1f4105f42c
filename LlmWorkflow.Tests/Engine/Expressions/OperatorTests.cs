using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Tests.Engine.Expressions;

public sealed class OperatorTests
{
    [Theory]
    // Precedence and associativity.
    [InlineData("1 + 2 * 3", "7")]
    [InlineData("(1 + 2) * 3", "9")]
    [InlineData("10 - 2 - 3", "5")]
    [InlineData("2 * -3", "-6")]
    [InlineData("1 - -1", "2")]
    [InlineData("-input.count + 1", "-2")]
    [InlineData("--2", "2")]
    [InlineData("1 + 1 == 2 && 2 < 3 or false", "true")]
    [InlineData("true || false && false", "true")]
    [InlineData("!false && false", "false")]
    [InlineData("not true or true", "true")]
    [InlineData("1 < 2 == true", "true")]
    [InlineData("false ? 1 : true ? 2 : 3", "2")]
    [InlineData("true ? false ? 1 : 2 : 3", "2")]
    [InlineData("input.none ?? false ? 1 : 2", "2")]
    [InlineData("input.none ?? input.nothing ?? 4", "4")]
    // Equality.
    [InlineData("1 == 1.0", "true")]
    [InlineData("1 == 1e0", "true")]
    [InlineData("input.ratio == 1.5", "true")]
    [InlineData("input.ratio == 3 / 2", "true")]
    [InlineData("0.1 + 0.2 == 0.3", "true")]
    [InlineData("1 == '1'", "false")]
    [InlineData("1 != '1'", "true")]
    [InlineData("'a' == 'A'", "false")]
    [InlineData("'Reno' == input.city", "true")]
    [InlineData("lower('RENO') != lower(input.city)", "false")]
    [InlineData("true == 1", "false")]
    [InlineData("null == input.none", "true")]
    [InlineData("input.none == input.nothing", "true")]
    [InlineData("input.none != null", "false")]
    [InlineData("input.none == false", "false")]
    [InlineData("input.tags == ['a', 'b']", "true")]
    [InlineData("['a', 'b'] == input.tags", "true")]
    [InlineData("input.tags == ['b', 'a']", "false")]
    [InlineData("[1] == [1, 2]", "false")]
    [InlineData("split('a,b', ',') == input.tags", "true")]
    [InlineData("{a: 1, b: [2]} == {b: [2.0], a: 1}", "true")]
    [InlineData("{a: 1} == {a: 1, b: null}", "false")]
    [InlineData("[] == {}", "false")]
    // Order.
    [InlineData("1 < 2", "true")]
    [InlineData("2 <= 2.0", "true")]
    [InlineData("3 > 10", "false")]
    [InlineData("'10' < '9'", "true")]
    [InlineData("'a' > 'B'", "true")]
    [InlineData("input.city >= 'Reno'", "true")]
    [InlineData("input.none < 1", "false")]
    [InlineData("1 > input.nothing", "false")]
    [InlineData("null <= null", "false")]
    [InlineData("9007199254740993 > 9007199254740992", "true")]
    [InlineData("9007199254740993 + 0 == 9007199254740993", "true")]
    // Membership.
    [InlineData("'a' in input.tags", "true")]
    [InlineData("'x' in input.tags", "false")]
    [InlineData("'x' not in input.tags", "true")]
    [InlineData("2 in [1, 2.0]", "true")]
    [InlineData("'b' in [input.none, 'b']", "true")]
    [InlineData("null in [1, input.none]", "true")]
    [InlineData("'city' in input", "true")]
    [InlineData("'town' in input", "false")]
    [InlineData("'en' in input.city", "true")]
    [InlineData("'a' in input.none", "false")]
    [InlineData("'a' not in null", "true")]
    [InlineData("input.none in 'abc'", "false")]
    [InlineData("{name: 'Bob'} in input.people", "true")]
    [InlineData("input.tags contains 'b'", "true")]
    [InlineData("contains(input.tags, 'c')", "false")]
    [InlineData("input.city contains 'eno'", "true")]
    [InlineData("split('a b', ' ') contains 'b'", "true")]
    [InlineData("[1, [2]] contains [2]", "true")]
    // Text.
    [InlineData("input.city starts_with 'Re'", "true")]
    [InlineData("starts_with(input.city, 're')", "false")]
    [InlineData("input.city ends_with 'no'", "true")]
    [InlineData("ends_with(input.none, 'no')", "false")]
    [InlineData("input.city matches '^R.n'", "true")]
    [InlineData("input.city matches '(?i)RENO$'", "true")]
    [InlineData("matches(input.city, 'x')", "false")]
    [InlineData("'aa' matches '^(a)\\\\1$'", "true")]
    [InlineData("input.none matches 'x'", "false")]
    [InlineData("input.city matches null", "false")]
    // Conditions.
    [InlineData("!input.none", "true")]
    [InlineData("!input.nothing", "true")]
    [InlineData("input.yes && input.none", "false")]
    [InlineData("input.none || input.yes", "true")]
    [InlineData("input.none ? 1 : 2", "2")]
    [InlineData("false && 1 / 0 == 1", "false")]
    [InlineData("true || 1 / 0 == 1", "true")]
    [InlineData("true ? 1 : 1 / 0", "1")]
    [InlineData("1 ?? 1 / 0", "1")]
    // Arithmetic.
    [InlineData("7 / 2", "3.5")]
    [InlineData("6 / 2", "3")]
    [InlineData("1 / 3", "0.33333333333333333")]
    [InlineData("1 / 3 * 3", "1")]
    [InlineData("7 % 3", "1")]
    [InlineData("-7 % 3", "-1")]
    [InlineData("5.5 % 2", "1.5")]
    [InlineData("1.10 + 2.20", "3.3")]
    [InlineData("0.1 * 3", "0.3")]
    [InlineData("9007199254740993 + 1", "9007199254740994")]
    [InlineData("1234567890123456789 * 1000000000", "1234567890123456789000000000")]
    [InlineData("79228162514264337593543950335 * 10", "7.922816251426434E+29")]
    [InlineData("0.00001 * 0.00001", "0.0000000001")]
    [InlineData("0.00000000000000000001 * 0.00000000000000000001", "1E-40")]
    [InlineData("-0.0 * 1", "0")]
    // Text made with +.
    [InlineData("input.city + ', NV'", "\"Reno, NV\"")]
    [InlineData("'n=' + input.count + 1", "\"n=31\"")]
    [InlineData("1 + 2 + 'x'", "\"3x\"")]
    [InlineData("'r ' + input.ratio", "\"r 1.50\"")]
    [InlineData("'' + true + null", "\"true\"")]
    public void Evaluate_Operator_GivesValue(string text, string expected)
    {
        JsonElement value = ExpressionEvaluator.Evaluate(ExpressionParser.Parse(text), TestScope.Standard);

        Assert.Equal(expected, JsonValues.ToJson(value));
    }

    [Theory]
    [InlineData("input.none + 1")]
    [InlineData("'a' + input.none")]
    [InlineData("2 * (3 - input.none)")]
    [InlineData("-input.none")]
    [InlineData("input.none / 0")]
    [InlineData("[1, input.none]")]
    [InlineData("{a: input.none}")]
    [InlineData("input.yes ? input.none : 1")]
    [InlineData("input.none ?? input.gone")]
    public void Evaluate_OperatorOnMissing_HandsItOn(string text) =>
        Assert.Equal(JsonValueKind.Undefined, ExpressionEvaluator.Evaluate(ExpressionParser.Parse(text), TestScope.Standard).ValueKind);

    [Theory]
    [InlineData("1 < 'a'", 3, "'<' cannot order a number and a string")]
    [InlineData("input.tags >= 1", 12, "'>=' cannot order an array and a number")]
    [InlineData("true > false", 6, "'>' cannot order a boolean and a boolean")]
    [InlineData("1 < 2 < 3", 7, "cannot order a boolean and a number")]
    [InlineData("input.tags + 1", 12, "'+' cannot take an array and a number")]
    [InlineData("'a' + {}", 5, "'+' cannot take a string and an object")]
    [InlineData("1 + null", 3, "'+' cannot take a number and null")]
    [InlineData("'a' - 1", 5, "'-' cannot take a string and a number")]
    [InlineData("true * 2", 6, "'*' cannot take a boolean and a number")]
    [InlineData("2 / (1 - 1)", 3, "Division by zero")]
    [InlineData("2 % 0.0", 3, "Division by zero")]
    [InlineData("1 + -'a'", 5, "'-' needs a number, not a string")]
    [InlineData("input.city && true", 7, "gives a string, not true or false")]
    [InlineData("!input.count", 8, "gives a number, not true or false")]
    [InlineData("input.tags ? 1 : 2", 7, "gives an array, not true or false")]
    [InlineData("1 in 'abc'", 3, "'in' cannot look for a number in a string")]
    [InlineData("1 in 5", 3, "'in' cannot look for a number in a number")]
    [InlineData("'abc' contains 1", 7, "'contains' cannot look for a number in a string")]
    [InlineData("5 starts_with 'a'", 3, "'starts_with' needs two strings, not a number and a string")]
    [InlineData("'a' ends_with 5", 5, "'ends_with' needs two strings")]
    [InlineData("'a' matches ('(' + 'a')", 18, "no regular expression")]
    [InlineData("number('1e308') * 10", 17, "too large a number")]
    public void Evaluate_WrongOperand_NamesPositionAndKinds(string text, int position, string message)
    {
        WorkflowException exception = Assert.Throws<WorkflowException>(() => ExpressionEvaluator.Evaluate(ExpressionParser.Parse(text), TestScope.Standard));

        Assert.Equal(ErrorTypes.ExpressionError, exception.Error.Type);
        Assert.False(exception.Error.Retryable);
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
        Assert.EndsWith($" at position {position} of \"{text}\".", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("true", true)]
    [InlineData("${ input.yes }", true)]
    [InlineData("input.nothing", false)]
    [InlineData("input.none", false)]
    [InlineData("${{a: input.yes}.a}", true)]
    public void IsTrue_Condition_Holds(string text, bool expected) =>
        Assert.Equal(expected, ExpressionEvaluator.IsTrue(ExpressionParser.ParseBare(text), TestScope.Standard));

    [Fact]
    public void IsTrue_NoCondition_IsError()
    {
        WorkflowException exception = Assert.Throws<WorkflowException>(() => ExpressionEvaluator.IsTrue(ExpressionParser.Parse("input.city"), TestScope.Standard));

        Assert.Contains("The condition 'input.city' gives a string, not true or false, at position 7", exception.Message, StringComparison.Ordinal);
    }
}
