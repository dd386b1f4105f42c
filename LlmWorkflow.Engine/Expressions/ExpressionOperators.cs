using System.Collections.Frozen;

namespace LlmWorkflow.Engine.Expressions;

/// <summary>What an infix operator makes of its operands.</summary>
internal enum InfixForm
{
    Conditional,
    Coalesce,
    Binary,
    Member,
    Index,
}

/// <summary>An operator that follows an operand.</summary>
/// <param name="Sign">How it is written.</param>
/// <param name="Power">How strongly it binds; one of <see cref="BindingPower"/>.</param>
/// <param name="Form">What it makes.</param>
/// <param name="Operator">Which one, where <paramref name="Form"/> is <see cref="InfixForm.Binary"/>.</param>
internal sealed record InfixOperator(string Sign, int Power, InfixForm Form, BinaryOperator Operator = default);

/// <summary>Levels of precedence: what stands lower in this list binds more strongly.</summary>
internal static class BindingPower
{
    public const int Lowest = 1;
    public const int Conditional = 1;
    public const int Coalesce = 2;
    public const int Or = 3;
    public const int And = 4;
    public const int Equality = 5;
    public const int Comparison = 6;
    public const int Sum = 7;
    public const int Product = 8;
    public const int Unary = 9;
    public const int Postfix = 10;
    public const int Primary = 11;
}

/// <summary>The table of operators that parser and printer share.</summary>
internal static class ExpressionOperators
{
    // The first row of an operator is how it is printed.
    private static readonly InfixOperator[] s_table =
    [
        new("?", BindingPower.Conditional, InfixForm.Conditional),
        new("??", BindingPower.Coalesce, InfixForm.Coalesce),
        new("||", BindingPower.Or, InfixForm.Binary, BinaryOperator.Or),
        new("or", BindingPower.Or, InfixForm.Binary, BinaryOperator.Or),
        new("&&", BindingPower.And, InfixForm.Binary, BinaryOperator.And),
        new("and", BindingPower.And, InfixForm.Binary, BinaryOperator.And),
        new("==", BindingPower.Equality, InfixForm.Binary, BinaryOperator.Equal),
        new("!=", BindingPower.Equality, InfixForm.Binary, BinaryOperator.NotEqual),
        new("<", BindingPower.Comparison, InfixForm.Binary, BinaryOperator.Less),
        new("<=", BindingPower.Comparison, InfixForm.Binary, BinaryOperator.LessOrEqual),
        new(">", BindingPower.Comparison, InfixForm.Binary, BinaryOperator.Greater),
        new(">=", BindingPower.Comparison, InfixForm.Binary, BinaryOperator.GreaterOrEqual),
        new("in", BindingPower.Comparison, InfixForm.Binary, BinaryOperator.In),
        new("not", BindingPower.Comparison, InfixForm.Binary, BinaryOperator.NotIn),
        new("contains", BindingPower.Comparison, InfixForm.Binary, BinaryOperator.Contains),
        new("starts_with", BindingPower.Comparison, InfixForm.Binary, BinaryOperator.StartsWith),
        new("ends_with", BindingPower.Comparison, InfixForm.Binary, BinaryOperator.EndsWith),
        new("matches", BindingPower.Comparison, InfixForm.Binary, BinaryOperator.Matches),
        new("+", BindingPower.Sum, InfixForm.Binary, BinaryOperator.Add),
        new("-", BindingPower.Sum, InfixForm.Binary, BinaryOperator.Subtract),
        new("*", BindingPower.Product, InfixForm.Binary, BinaryOperator.Multiply),
        new("/", BindingPower.Product, InfixForm.Binary, BinaryOperator.Divide),
        new("%", BindingPower.Product, InfixForm.Binary, BinaryOperator.Remainder),
        new(".", BindingPower.Postfix, InfixForm.Member),
        new("[", BindingPower.Postfix, InfixForm.Index),
    ];

    private static readonly FrozenDictionary<string, InfixOperator> s_bySign = s_table.ToFrozenDictionary(row => row.Sign, StringComparer.Ordinal);

    private static readonly FrozenDictionary<BinaryOperator, InfixOperator> s_byOperator = s_table
        .Where(row => row.Form == InfixForm.Binary).DistinctBy(row => row.Operator).ToFrozenDictionary(row => row.Operator);

    /// <summary>Words that cannot be the name of a root, because they are operators.</summary>
    public static bool IsReserved(string name) => s_bySign.ContainsKey(name);

    /// <summary>The operator that a token is where one may follow; null when it is none.</summary>
    public static InfixOperator? Find(Token token) =>
        token.Kind is TokenKind.Sign or TokenKind.Name ? s_bySign.GetValueOrDefault(token.Value) : null;

    /// <summary>The operator that may also be called as a function of two arguments; null when the name is none.</summary>
    public static BinaryOperator? FindCallable(string name) =>
        s_bySign.GetValueOrDefault(name) is { Operator: BinaryOperator.Contains or BinaryOperator.StartsWith or BinaryOperator.EndsWith or BinaryOperator.Matches } found
            ? found.Operator
            : null;

    public static int PowerOf(BinaryOperator binary) => s_byOperator[binary].Power;

    /// <summary>How it is written.</summary>
    public static string SignOf(BinaryOperator binary) => binary == BinaryOperator.NotIn ? "not in" : s_byOperator[binary].Sign;
}
