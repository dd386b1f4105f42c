using System.Text;
using System.Text.Json;

namespace LlmWorkflow.Engine.Expressions;

/// <summary>Writes an expression as text that parses to the same expression.</summary>
internal static class ExpressionPrinter
{
    public static string Print(Expression expression)
    {
        StringBuilder text = new();
        Print(expression, BindingPower.Lowest, text);
        return text.ToString();
    }

    /// <summary>In parentheses when it binds less strongly than its place asks for.</summary>
    private static void Print(Expression expression, int power, StringBuilder text)
    {
        bool isLoose = PowerOf(expression) < power;
        _ = isLoose ? text.Append('(') : text;
        PrintBare(expression, text);
        _ = isLoose ? text.Append(')') : text;
    }

    private static int PowerOf(Expression expression) => expression switch
    {
        ConditionalExpression => BindingPower.Conditional,
        CoalesceExpression => BindingPower.Coalesce,
        BinaryExpression binary => ExpressionOperators.PowerOf(binary.Operator),
        UnaryExpression => BindingPower.Unary,
        _ => BindingPower.Primary,
    };

    private static void PrintBare(Expression expression, StringBuilder text)
    {
        switch (expression)
        {
            case LiteralExpression literal:
                text.Append(literal.Value.ValueKind == JsonValueKind.String ? Quote(literal.Value.GetString()!) : literal.Value.GetRawText());
                break;
            case NameExpression name:
                text.Append(name.Name);
                break;
            case MemberExpression member:
                Print(member.Target, BindingPower.Postfix, text);
                _ = IsName(member.Name) ? text.Append('.').Append(member.Name) : text.Append('[').Append(Quote(member.Name)).Append(']');
                break;
            case IndexExpression index:
                Print(index.Target, BindingPower.Postfix, text);
                Print(index.Index, BindingPower.Lowest, text.Append('['));
                text.Append(']');
                break;
            case CoalesceExpression coalesce:
                Print(coalesce.Left, BindingPower.Coalesce + 1, text);
                Print(coalesce.Right, BindingPower.Coalesce, text.Append(" ?? "));
                break;
            case ConditionalExpression conditional:
                Print(conditional.Condition, BindingPower.Conditional + 1, text);
                Print(conditional.WhenTrue, BindingPower.Lowest, text.Append(" ? "));
                Print(conditional.WhenFalse, BindingPower.Conditional, text.Append(" : "));
                break;
            case BinaryExpression binary:
                int power = ExpressionOperators.PowerOf(binary.Operator);
                Print(binary.Left, power, text);
                Print(binary.Right, power + 1, text.Append(' ').Append(ExpressionOperators.SignOf(binary.Operator)).Append(' '));
                break;
            case UnaryExpression unary:
                PrintUnary(unary, text);
                break;
            case CallExpression call:
                PrintAll(call.Arguments, text.Append(call.Name).Append('(')).Append(')');
                break;
            case ArrayExpression array:
                PrintAll(array.Items, text.Append('[')).Append(']');
                break;
            case ObjectExpression obj:
                PrintObject(obj, text);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(expression));
        }
    }

    private static void PrintUnary(UnaryExpression unary, StringBuilder text)
    {
        text.Append(unary.Operator == UnaryOperator.Not ? '!' : '-');
        int from = text.Length;
        Print(unary.Operand, BindingPower.Unary, text);
        // A minus directly before a digit belongs to the number.
        if (unary.Operator == UnaryOperator.Negate && char.IsAsciiDigit(text[from]))
        {
            text.Insert(from, '(').Append(')');
        }
    }

    private static void PrintObject(ObjectExpression obj, StringBuilder text)
    {
        text.Append('{');
        for (int i = 0; i < obj.Members.Count; i++)
        {
            (string name, Expression value) = obj.Members[i];
            text.Append(i == 0 ? "" : ", ").Append(IsName(name) ? name : Quote(name)).Append(": ");
            Print(value, BindingPower.Lowest, text);
        }

        text.Append('}');
    }

    private static StringBuilder PrintAll(IReadOnlyList<Expression> expressions, StringBuilder text)
    {
        for (int i = 0; i < expressions.Count; i++)
        {
            Print(expressions[i], BindingPower.Lowest, text.Append(i == 0 ? "" : ", "));
        }

        return text;
    }

    private static bool IsName(string name) =>
        name.Length > 0 && (name[0] == '_' || char.IsLetter(name[0])) && name.All(letter => letter == '_' || char.IsLetterOrDigit(letter));

    private static string Quote(string value)
    {
        StringBuilder text = new("'");
        foreach (char letter in value)
        {
            _ = letter switch
            {
                '\'' or '\\' => text.Append('\\').Append(letter),
                '\n' => text.Append("\\n"),
                '\r' => text.Append("\\r"),
                '\t' => text.Append("\\t"),
                _ => text.Append(letter),
            };
        }

        return text.Append('\'').ToString();
    }
}
