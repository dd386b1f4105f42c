using System.Text;
using System.Text.Json;

namespace LlmWorkflow.Engine.Expressions;

/// <summary>Writes an expression as text that parses to the same expression.</summary>
internal static class ExpressionPrinter
{
    public static string Print(Expression expression)
    {
        StringBuilder text = new();
        Print(expression, text);
        return text.ToString();
    }

    private static void Print(Expression expression, StringBuilder text)
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
                PrintTarget(member.Target, text);
                _ = IsName(member.Name) ? text.Append('.').Append(member.Name) : text.Append('[').Append(Quote(member.Name)).Append(']');
                break;
            case IndexExpression index:
                PrintTarget(index.Target, text);
                text.Append('[');
                Print(index.Index, text);
                text.Append(']');
                break;
            case CoalesceExpression coalesce:
                PrintTarget(coalesce.Left, text);
                text.Append(" ?? ");
                Print(coalesce.Right, text);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(expression));
        }
    }

    private static void PrintTarget(Expression target, StringBuilder text)
    {
        if (target is not CoalesceExpression)
        {
            Print(target, text);
            return;
        }

        text.Append('(');
        Print(target, text);
        text.Append(')');
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
