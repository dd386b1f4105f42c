namespace LlmWorkflow.Engine.Expressions;

/// <summary>A path that an expression reads.</summary>
/// <param name="Path">The longest path as written: a root, or members and indexes on a root.</param>
/// <param name="Absorbed">
/// Whether the expression copes when it is missing: it stands in a condition or comparison, in <c>exists</c> or <c>empty</c>, or has something after it in
/// <c>??</c> or <c>coalesce</c>.
/// </param>
internal readonly record struct ExpressionRead(Expression Path, bool Absorbed);

/// <summary>Tells what an expression reads, without evaluating it.</summary>
internal static class ExpressionReads
{
    /// <summary>Every read, in the order of the text; those inside an index too.</summary>
    public static IReadOnlyList<ExpressionRead> Of(Expression expression)
    {
        ArgumentNullException.ThrowIfNull(expression);
        List<ExpressionRead> reads = [];
        Collect(expression, absorbed: false, reads);
        return reads;
    }

    private static void Collect(Expression expression, bool absorbed, List<ExpressionRead> reads)
    {
        if (IsPath(expression))
        {
            reads.Add(new ExpressionRead(expression, absorbed));
            CollectIndexes(expression, absorbed, reads);
            return;
        }

        IReadOnlyList<Expression> children = expression.Children;
        for (int i = 0; i < children.Count; i++)
        {
            Collect(children[i], absorbed || Absorbs(expression, i), reads);
        }
    }

    private static void CollectIndexes(Expression path, bool absorbed, List<ExpressionRead> reads)
    {
        if (path is IndexExpression index)
        {
            CollectIndexes(index.Target, absorbed, reads);
            Collect(index.Index, absorbed, reads);
        }
        else if (path is MemberExpression member)
        {
            CollectIndexes(member.Target, absorbed, reads);
        }
    }

    private static bool IsPath(Expression expression) => expression switch
    {
        NameExpression => true,
        MemberExpression member => IsPath(member.Target),
        IndexExpression index => IsPath(index.Target),
        _ => false,
    };

    private static bool Absorbs(Expression expression, int child) => expression switch
    {
        CoalesceExpression => child == 0,
        ConditionalExpression => child == 0,
        UnaryExpression unary => unary.Operator == UnaryOperator.Not,
        BinaryExpression binary => binary.Operator < BinaryOperator.Add,
        CallExpression { Name: "exists" or "empty" } => true,
        CallExpression { Name: "coalesce" } call => child < call.Arguments.Count - 1,
        _ => false,
    };
}
