using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Tests.Engine.Expressions;

public sealed class FunctionTests
{
    private static readonly ExpressionScope s_scope = new()
    {
        Input = TestScope.Standard.Input,
        Context = new Dictionary<string, JsonElement> { ["now"] = JsonElement.Parse("\"2026-01-02T03:04:05.678Z\"") },
        Steps = TestScope.Standard.Steps,
    };

    public static TheoryData<string> Names => [.. ExpressionFunctions.All.Select(function => function.Name)];

    [Fact]
    public void All_Names_AreThoseOfTheSpecification() => Assert.Equal(
        "length lower upper trim join split keys values first last slice coalesce exists empty to_json from_json number string round min max sum now format_date truncate url_encode",
        string.Join(' ', ExpressionFunctions.All.Select(function => function.Name)));

    [Theory]
    [MemberData(nameof(Names))]
    public void Evaluate_DocumentedExample_GivesDocumentedResult(string name)
    {
        ExpressionFunction function = ExpressionFunctions.Find(name)!;

        Assert.Equal(function.Result, JsonValues.ToJson(ExpressionEvaluator.Evaluate(ExpressionParser.Parse(function.Example), s_scope)));
        Assert.StartsWith(name, function.Example, StringComparison.Ordinal);
        Assert.EndsWith(".", function.Summary, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("length('')", "0")]
    [InlineData("length(input.tags)", "2")]
    [InlineData("length({a: 1})", "1")]
    [InlineData("length('😀')", "2")]
    [InlineData("lower('ÄI')", "\"äi\"")]
    [InlineData("upper('é')", "\"É\"")]
    [InlineData("trim('\\n x y\\t')", "\"x y\"")]
    [InlineData("join([], '-')", "\"\"")]
    [InlineData("join([1, null, true, 'x', [2]])", "\"1, , true, x, [2]\"")]
    [InlineData("join(split('a-b-c', '-'), '')", "\"abc\"")]
    [InlineData("split('', ',')", "[\"\"]")]
    [InlineData("split('a, b', ', ')", "[\"a\",\"b\"]")]
    [InlineData("split('abc', 'x')", "[\"abc\"]")]
    [InlineData("keys({})", "[]")]
    [InlineData("keys(input['odd key'])", "[\"x-y\"]")]
    [InlineData("values(input['odd key'])", "[7]")]
    [InlineData("first(input.people).name", "\"Ann\"")]
    [InlineData("last(input.people).name", "\"Bob\"")]
    [InlineData("slice([1, 2, 3], 1)", "[2,3]")]
    [InlineData("slice([1, 2, 3], -2)", "[2,3]")]
    [InlineData("slice([1, 2, 3], 2, 1)", "[]")]
    [InlineData("slice([1, 2, 3], -9, 99)", "[1,2,3]")]
    [InlineData("slice('Reno', 1, 3)", "\"en\"")]
    [InlineData("slice('a😀b', 0, 2)", "\"a\"")]
    [InlineData("slice(input.tags, 0, 1)", "[\"a\"]")]
    [InlineData("coalesce(input.none, input.nothing, input.city)", "\"Reno\"")]
    [InlineData("coalesce(1, 1 / 0)", "1")]
    [InlineData("coalesce(input.none, null)", "null")]
    [InlineData("coalesce(false, true)", "false")]
    [InlineData("exists(input.none)", "false")]
    [InlineData("exists(input.nothing)", "true")]
    [InlineData("exists(upper(input.none))", "false")]
    [InlineData("exists(steps.fetch.data)", "true")]
    [InlineData("empty(input.none)", "true")]
    [InlineData("empty(null)", "true")]
    [InlineData("empty([])", "true")]
    [InlineData("empty({})", "true")]
    [InlineData("empty(' ')", "false")]
    [InlineData("empty(0)", "false")]
    [InlineData("empty(false)", "false")]
    [InlineData("to_json('é\"')", "\"\\\"é\\\\\\\"\\\"\"")]
    [InlineData("to_json(null)", "\"null\"")]
    [InlineData("to_json(1 / 4)", "\"0.25\"")]
    [InlineData("from_json(' {\"a\": 1.0} ').a", "1.0")]
    [InlineData("from_json(to_json(input)) == input", "true")]
    [InlineData("number(' -1.5e2 ')", "-150")]
    [InlineData("number('+7')", "7")]
    [InlineData("number(5)", "5")]
    [InlineData("number('1e300')", "1E+300")]
    [InlineData("number('1e-40') > 0", "true")]
    [InlineData("number('123456789012345678')", "123456789012345678")]
    [InlineData("string(null)", "\"\"")]
    [InlineData("string(input.ratio)", "\"1.50\"")]
    [InlineData("string([1, {a: 2}])", "\"[1,{\\\"a\\\":2}]\"")]
    [InlineData("round(2.5)", "3")]
    [InlineData("round(-2.5)", "-3")]
    [InlineData("round(1e20)", "100000000000000000000")]
    [InlineData("round(number('1e300'), 2)", "1E+300")]
    [InlineData("min(2, 1.5)", "1.5")]
    [InlineData("max(['b', 'a'])", "\"b\"")]
    [InlineData("min(values({a: 3, b: 2}))", "2")]
    [InlineData("sum([])", "0")]
    [InlineData("sum([1, 2.50])", "3.5")]
    [InlineData("now() == context.now", "true")]
    [InlineData("format_date(now())", "\"2026-01-02\"")]
    [InlineData("format_date('2026-01-02', 'dddd')", "\"Friday\"")]
    [InlineData("format_date('2026-01-02T03:04:05+02:00', 'HH:mm zzz')", "\"03:04 +02:00\"")]
    [InlineData("format_date('2026-01-02T03:04:05.123456Z', 'o')", "\"2026-01-02T03:04:05.1234560+00:00\"")]
    [InlineData("format_date(0, 'yyyy')", "\"1970\"")]
    [InlineData("format_date(1767323045.5, 'HH:mm:ss.f')", "\"03:04:05.5\"")]
    [InlineData("truncate('abc', 3)", "\"abc\"")]
    [InlineData("truncate('abcd', 3)", "\"ab…\"")]
    [InlineData("truncate('abcdef', 5, '...')", "\"ab...\"")]
    [InlineData("truncate('a😀bc', 3)", "\"a…\"")]
    [InlineData("truncate('abc', 0, '')", "\"\"")]
    [InlineData("url_encode(1.5)", "\"1.5\"")]
    [InlineData("url_encode('a&b=c?')", "\"a%26b%3Dc%3F\"")]
    public void Evaluate_Call_GivesValue(string text, string expected) =>
        Assert.Equal(expected, JsonValues.ToJson(ExpressionEvaluator.Evaluate(ExpressionParser.Parse(text), s_scope)));

    [Theory]
    [MemberData(nameof(Names))]
    public void Evaluate_MissingArgument_IsHandedOnOrAbsorbed(string name)
    {
        ExpressionFunction function = ExpressionFunctions.Find(name)!;
        int count = Enumerable.Range(1, 3).FirstOrDefault(function.Takes);
        if (count == 0)
        {
            return;
        }

        string text = $"{name}({string.Join(", ", Enumerable.Repeat("input.none", count))})";
        JsonValueKind expected = name switch
        {
            "exists" => JsonValueKind.False,
            "empty" => JsonValueKind.True,
            _ => JsonValueKind.Undefined,
        };

        Assert.Equal(expected, ExpressionEvaluator.Evaluate(ExpressionParser.Parse(text), s_scope).ValueKind);
    }

    [Theory]
    [InlineData("first([])")]
    [InlineData("last([])")]
    [InlineData("min([])")]
    [InlineData("max(input.empty ?? [])")]
    public void Evaluate_NothingToChooseFrom_IsMissing(string text) =>
        Assert.Equal(JsonValueKind.Undefined, ExpressionEvaluator.Evaluate(ExpressionParser.Parse(text), s_scope).ValueKind);

    [Theory]
    [InlineData("length(5)", 8, "'length' needs a string, array or object, not a number")]
    [InlineData("length(null)", 8, "not null")]
    [InlineData("lower(input.count)", 13, "'lower' needs a string, not a number")]
    [InlineData("upper([])", 7, "'upper' needs a string, not an array")]
    [InlineData("trim(true)", 6, "'trim' needs a string, not a boolean")]
    [InlineData("join('a', 'b')", 6, "'join' needs an array, not a string")]
    [InlineData("join([], 1)", 10, "'join' needs a string, not a number")]
    [InlineData("split(1, ',')", 7, "'split' needs a string")]
    [InlineData("split('a', '')", 12, "a separator that is not empty")]
    [InlineData("keys([])", 6, "'keys' needs an object, not an array")]
    [InlineData("values('a')", 8, "'values' needs an object, not a string")]
    [InlineData("first('abc')", 7, "'first' needs an array, not a string")]
    [InlineData("last({})", 6, "'last' needs an array, not an object")]
    [InlineData("slice(5, 1)", 7, "'slice' needs a string or array, not a number")]
    [InlineData("slice([], 0.5)", 11, "'slice' needs a whole number here, not 0.5")]
    [InlineData("slice([], '1')", 11, "'slice' needs a number, not a string")]
    [InlineData("from_json('{a}')", 11, "'from_json' got no JSON (line 1")]
    [InlineData("from_json({})", 11, "'from_json' needs a string, not an object")]
    [InlineData("number('12 km')", 8, "'number' cannot read \"12 km\"")]
    [InlineData("number('')", 8, "'number' cannot read \"\"")]
    [InlineData("number('NaN')", 8, "'number' cannot read \"NaN\"")]
    [InlineData("number('1e999')", 8, "'number' cannot read")]
    [InlineData("number(true)", 8, "'number' needs a string or number, not a boolean")]
    [InlineData("round('1')", 7, "'round' needs a number, not a string")]
    [InlineData("round(1, 16)", 10, "'round' takes 0 to 15 digits, not 16")]
    [InlineData("min(1)", 5, "'min' needs an array, not a number")]
    [InlineData("min([1, 'a'])", 5, "no order of a string and a number")]
    [InlineData("max([true])", 5, "no order of a boolean")]
    [InlineData("sum(['1'])", 5, "'sum' needs a list of numbers; one item is a string")]
    [InlineData("format_date('yesterday')", 13, "not \"yesterday\"")]
    [InlineData("format_date('10:00')", 13, "needs a date such as")]
    [InlineData("format_date(1e18)", 13, "in no year up to 9999")]
    [InlineData("format_date(null)", 13, "'format_date' needs a string or number, not null")]
    [InlineData("format_date(0, '%')", 16, "'%' is no date format")]
    [InlineData("format_date(0, '')", 16, "a format of 1 to 100 characters")]
    [InlineData("truncate('abc', 0)", 17, "a length of at least 1")]
    [InlineData("truncate(1, 5)", 10, "'truncate' needs a string, not a number")]
    [InlineData("url_encode([])", 12, "'url_encode' needs a string or number, not an array")]
    public void Evaluate_WrongArgument_NamesPositionAndKind(string text, int position, string message)
    {
        WorkflowException exception = Assert.Throws<WorkflowException>(() => ExpressionEvaluator.Evaluate(ExpressionParser.Parse(text), s_scope));

        Assert.Equal(ErrorTypes.ExpressionError, exception.Error.Type);
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
        Assert.EndsWith($" at position {position} of \"{text}\".", exception.Message, StringComparison.Ordinal);
    }
}
