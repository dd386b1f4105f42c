using System.Text.Json;

namespace LlmWorkflow.Engine.Expressions;

/// <summary>A parsed expression.</summary>
/// <param name="Position">
/// Index of its telling character in the text that was parsed: an operator's sign, a member's name, else the first character. Errors point there.
/// </param>
internal abstract record Expression(int Position)
{
    /// <summary>The parts that it is made of, in the order of the text.</summary>
    public virtual IReadOnlyList<Expression> Children => [];

    /// <summary>The expression as text that parses to the same expression.</summary>
    public sealed override string ToString() => ExpressionPrinter.Print(this);
}

/// <summary>A constant: a number, string, boolean or null.</summary>
internal sealed record LiteralExpression(JsonElement Value, int Position) : Expression(Position);

/// <summary>A root: <c>input</c>, <c>steps</c>, <c>context</c> or a local.</summary>
internal sealed record NameExpression(string Name, int Position) : Expression(Position);

/// <summary><c>target.name</c>, and <c>target['name']</c> with a constant.</summary>
internal sealed record MemberExpression(Expression Target, string Name, int Position) : Expression(Position)
{
    /// <inheritdoc/>
    public override IReadOnlyList<Expression> Children => [Target];
}

/// <summary><c>target[index]</c>: a number reads from an array (a negative one from its end), a string from an object.</summary>
internal sealed record IndexExpression(Expression Target, Expression Index, int Position) : Expression(Position)
{
    /// <inheritdoc/>
    public override IReadOnlyList<Expression> Children => [Target, Index];
}

/// <summary><c>left ?? right</c>: the right one when the left is missing or null.</summary>
internal sealed record CoalesceExpression(Expression Left, Expression Right, int Position) : Expression(Position)
{
    /// <inheritdoc/>
    public override IReadOnlyList<Expression> Children => [Left, Right];
}

/// <summary><c>!operand</c> or <c>-operand</c>.</summary>
internal sealed record UnaryExpression(UnaryOperator Operator, Expression Operand, int Position) : Expression(Position)
{
    /// <inheritdoc/>
    public override IReadOnlyList<Expression> Children => [Operand];
}

/// <summary>Two operands with an operator between them; also <c>contains(a, b)</c> and the like.</summary>
internal sealed record BinaryExpression(BinaryOperator Operator, Expression Left, Expression Right, int Position) : Expression(Position)
{
    /// <inheritdoc/>
    public override IReadOnlyList<Expression> Children => [Left, Right];
}

/// <summary><c>condition ? whenTrue : whenFalse</c>.</summary>
internal sealed record ConditionalExpression(Expression Condition, Expression WhenTrue, Expression WhenFalse, int Position) : Expression(Position)
{
    /// <inheritdoc/>
    public override IReadOnlyList<Expression> Children => [Condition, WhenTrue, WhenFalse];
}

/// <summary><c>name(arguments)</c>: one of <see cref="ExpressionFunctions.All"/>, with as many arguments as it takes.</summary>
internal sealed record CallExpression(string Name, IReadOnlyList<Expression> Arguments, int Position) : Expression(Position)
{
    /// <inheritdoc/>
    public override IReadOnlyList<Expression> Children => Arguments;
}

/// <summary><c>[item, …]</c>.</summary>
internal sealed record ArrayExpression(IReadOnlyList<Expression> Items, int Position) : Expression(Position)
{
    /// <inheritdoc/>
    public override IReadOnlyList<Expression> Children => Items;
}

/// <summary><c>{name: value, …}</c>; no name stands twice.</summary>
internal sealed record ObjectExpression(IReadOnlyList<KeyValuePair<string, Expression>> Members, int Position) : Expression(Position)
{
    /// <inheritdoc/>
    public override IReadOnlyList<Expression> Children => [.. Members.Select(member => member.Value)];
}

/// <summary>Operators with one operand.</summary>
internal enum UnaryOperator
{
    Not,
    Negate,
}

/// <summary>Operators with two operands, apart from <c>??</c>.</summary>
internal enum BinaryOperator
{
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
    Contains,
    StartsWith,
    EndsWith,
    Matches,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// <summary>The text is no expression.</summary>
/// <param name="message">What is wrong, without the position.</param>
/// <param name="position">Index of the offending character in the text that was parsed.</param>
public sealed class ExpressionSyntaxException(string message, int position) : Exception(message)
{
    /// <summary>Index of the offending character in the text that was parsed.</summary>
    public int Position { get; } = position;
}
