using System.Text.Json;

namespace LlmWorkflow.Engine.Expressions;

/// <summary>A parsed expression.</summary>
/// <param name="Position">Index of its first character in the text that was parsed.</param>
internal abstract record Expression(int Position)
{
    /// <summary>The parts that it is made of.</summary>
    public virtual IReadOnlyList<Expression> Children => [];

    /// <summary>The expression as text that parses to the same expression.</summary>
    public sealed override string ToString() => ExpressionPrinter.Print(this);
}

/// <summary>A constant.</summary>
internal sealed record LiteralExpression(JsonElement Value, int Position) : Expression(Position);

/// <summary>A root: <c>input</c>, <c>steps</c>, <c>context</c> or a local.</summary>
internal sealed record NameExpression(string Name, int Position) : Expression(Position);

/// <summary><c>target.name</c>, and <c>target['name']</c> with a constant.</summary>
internal sealed record MemberExpression(Expression Target, string Name, int Position) : Expression(Position)
{
    /// <inheritdoc/>
    public override IReadOnlyList<Expression> Children => [Target];
}

/// <summary><c>target[index]</c>: a number reads from an array, a string from an object.</summary>
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

/// <summary>The text is no expression.</summary>
/// <param name="message">What is wrong, without the position.</param>
/// <param name="position">Index of the offending character in the text that was parsed.</param>
public sealed class ExpressionSyntaxException(string message, int position) : Exception(message)
{
    /// <summary>Index of the offending character in the text that was parsed.</summary>
    public int Position { get; } = position;
}
