using System.Text.Json;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Tests.Engine.Expressions;

/// <summary>Makes expressions and near-expressions, the same ones for the same seed.</summary>
internal sealed class RandomExpressions(int seed)
{
    private static readonly string[] s_names = ["input", "steps", "context", "item", "index", "nobody", "é_1", "length", "now"];

    private static readonly string[] s_members =
        ["city", "count", "ratio", "yes", "nothing", "tags", "people", "name", "odd key", "evil", "half", "huge", "tiny", "deep", "fetch", "data", "in", "not", "", "a'b\\\n"];

    private static readonly string[] s_literals =
    [
        "0", "1", "-1", "2.50", "-0", "79228162514264337593543950335", "0.0000000000000000000000000001", "100000", "true", "false", "null", "\"\"", "\"a\"",
        "\"Reno\"", "\"it's \\\\ \\\"q\\\" \\n\"", "\"😀\"", "\"(a+)+$\"", "\"(?=a)\\\\1(\"", "\"2026-01-02\"", "\"yyyy\"", "\"[1, {}]\"", "\"1e5\"", "\",\"",
    ];

    private static readonly string[] s_pieces =
    [
        "input", "steps", "context", "item", ".", "[", "]", "(", ")", "{", "}", ",", ":", "?", "??", "||", "&&", "==", "!=", "<", "<=", ">", "+", "-", "*", "/", "%", "!", "not ",
        " in ", " and ", " or ", " contains ", " matches ", " starts_with ", "0", "1", "2.5", "1e9", "'city'", "\"a", "city", "tags", "people", "length(", "first(", "split(",
        "coalesce(", "sum(", "from_json(", "true", "null", " ", "\\", "é", "=", "&", "|", "#", "\0", "\ud800", "${", "$",
    ];

    private readonly Random _random = new(seed);

    /// <summary>A scope with values that are hard to bear.</summary>
    public static ExpressionScope Scope { get; } = TestScope.Of(
        $$"""
        {
          "city": "Reno", "count": 3, "ratio": 1.50, "yes": true, "nothing": null, "tags": ["a", "b"], "odd key": {"x-y": 7}, "": 0,
          "people": [{"name": "Ann", "age": 40}, {"name": "Bob"}], "evil": "{{"{{"}}x{{"}}"}} ${input.city}", "half": "\ud800", "huge": 1e400, "tiny": 1e-400,
          "deep": {{new string('[', 60)}}{{new string(']', 60)}}, "\udc00": 1
        }
        """);

    public string Text() => string.Concat(Enumerable.Range(0, _random.Next(1, 12)).Select(_ => Pick(s_pieces)));

    public Expression Expression(int depth)
    {
        if (depth == 0 || _random.Next(5) == 0)
        {
            return _random.Next(3) == 0 ? new NameExpression(Pick(s_names), 0) : Literal();
        }

        Expression Next() => Expression(depth - 1);
        switch (_random.Next(13))
        {
            case 0 or 1:
                return new MemberExpression(Next(), Pick(s_members), 0);
            case 2:
                return new MemberExpression(new NameExpression("input", 0), Pick(s_members), 0);
            case 3:
                Expression index = Next();
                return index is LiteralExpression { Value.ValueKind: JsonValueKind.String } ? index : new IndexExpression(Next(), index, 0);
            case 4:
                return new CoalesceExpression(Next(), Next(), 0);
            case 5:
                return new ConditionalExpression(Next(), Next(), Next(), 0);
            case 6:
                return new UnaryExpression(Pick(Enum.GetValues<UnaryOperator>()), Next(), 0);
            case 7:
                return new ArrayExpression(Many(Next), 0);
            case 8:
                return new ObjectExpression([.. Many(Next).Select((value, i) => KeyValuePair.Create(s_members[(i * 7) + _random.Next(7)], value))], 0);
            case 9 or 10:
                ExpressionFunction function = Pick([.. ExpressionFunctions.All]);
                int count = Enumerable.Range(0, 5).Where(function.Takes).OrderBy(_ => _random.Next()).First();
                return new CallExpression(function.Name, [.. Enumerable.Range(0, count).Select(_ => Next())], 0);
            default:
                BinaryOperator binary = Pick(Enum.GetValues<BinaryOperator>());
                Expression right = Next();
                // The parser refuses a constant that is no pattern; the operator with other operands comes up often enough.
                bool isRefused = binary == BinaryOperator.Matches && right is LiteralExpression;
                return new BinaryExpression(isRefused ? BinaryOperator.EndsWith : binary, Next(), right, 0);
        }
    }

    /// <summary>The structure in full, without positions: what print and parse must keep.</summary>
    public static string Shape(Expression expression)
    {
        string own = expression switch
        {
            LiteralExpression { Value.ValueKind: JsonValueKind.String } literal => "'" + literal.Value.GetString(),
            LiteralExpression literal => literal.Value.GetRawText(),
            NameExpression name => name.Name,
            MemberExpression member => member.Name,
            UnaryExpression unary => unary.Operator.ToString(),
            BinaryExpression binary => binary.Operator.ToString(),
            CallExpression call => call.Name,
            ObjectExpression obj => string.Join('|', obj.Members.Select(member => member.Key)),
            _ => "",
        };
        return $"({expression.GetType().Name} <{own}> {string.Join(' ', expression.Children.Select(Shape))})";
    }

    private LiteralExpression Literal() => new(JsonElement.Parse(Pick(s_literals)), 0);

    private List<Expression> Many(Func<Expression> next) => [.. Enumerable.Range(0, _random.Next(3)).Select(_ => next())];

    private T Pick<T>(T[] from) => from[_random.Next(from.Length)];
}
