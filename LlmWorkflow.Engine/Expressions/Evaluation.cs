using System.Text.Json;
using System.Text.RegularExpressions;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.Expressions;

/// <summary>One evaluation: walks the tree, and counts what that costs.</summary>
internal sealed class Evaluation(Expression whole, ExpressionScope scope)
{
    /// <summary>
    /// Most work of one evaluation. One step is a node, an item, a few members or 256 characters; a million are a fraction of a second, so that no expression can
    /// hold a worker, and each item of the largest accepted input can still be looked at.
    /// </summary>
    public const int MaxWork = 1_000_000;

    /// <summary>Largest string or value that an expression may make, in characters: room for the largest input (1 MiB) and service reply (2 MiB) together.</summary>
    public const int MaxSize = 4 * 1_048_576;

    /// <summary>Longest list that an expression may make.</summary>
    public const int MaxItems = 100_000;

    private const int CharactersPerStep = 256;

    private const int MembersPerStep = 32;

    private long _work;

    public ExpressionScope Scope => scope;

    /// <summary>The value; missing where the expression reads what is not there.</summary>
    /// <exception cref="WorkflowException">An operand or argument has the wrong kind, or a limit is reached.</exception>
    public ExpressionValue Evaluate(Expression expression)
    {
        Spend(1, expression);
        return expression switch
        {
            LiteralExpression literal => ExpressionValue.Of(literal.Value),
            NameExpression or MemberExpression or IndexExpression => ExpressionPaths.Read(expression, this),
            CoalesceExpression coalesce => Evaluate(coalesce.Left) is { IsMissingOrNull: false } left ? left : Evaluate(coalesce.Right),
            ConditionalExpression conditional => Evaluate(Holds(conditional.Condition) ? conditional.WhenTrue : conditional.WhenFalse),
            UnaryExpression unary => Unary(unary),
            BinaryExpression binary => Binary(binary),
            CallExpression call => ExpressionFunctions.Find(call.Name)!.Body(this, call),
            ArrayExpression array => Array(array),
            ObjectExpression obj => Object(obj),
            _ => throw new ArgumentOutOfRangeException(nameof(expression)),
        };
    }

    /// <summary>Whether a condition holds: false for false, null and missing.</summary>
    /// <exception cref="WorkflowException">Its value is neither true nor false.</exception>
    public bool Holds(Expression condition)
    {
        ExpressionValue value = Evaluate(condition);
        return value.Kind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False or JsonValueKind.Null or JsonValueKind.Undefined => false,
            _ => throw Fault(condition, $"The condition '{ExpressionFault.Excerpt(condition.ToString(), 0)}' gives {value.Kind.Name()}, not true or false,"),
        };
    }

    /// <summary>Counts work.</summary>
    /// <exception cref="WorkflowException">It is more than <see cref="MaxWork"/>.</exception>
    public void Spend(long steps, Expression at)
    {
        _work += steps;
        if (_work > MaxWork)
        {
            throw Fault(at, $"The expression takes more than {MaxWork} steps");
        }
    }

    /// <summary>Counts a look at everything in a value.</summary>
    public void SpendOn(in ExpressionValue value, Expression at) => Spend(
        1 + (value.Size / CharactersPerStep) + (value.Kind switch
        {
            JsonValueKind.Array => value.Count,
            JsonValueKind.Object => value.Count / MembersPerStep,
            _ => 0,
        }),
        at);

    /// <summary>A string that the expression made.</summary>
    /// <exception cref="WorkflowException">It is longer than <see cref="MaxSize"/>.</exception>
    public ExpressionValue Made(string text, Expression at)
    {
        ThrowIfTooLarge(text.Length, at);
        Spend(text.Length / CharactersPerStep, at);
        return ExpressionValue.Of(text);
    }

    /// <summary>A list that the expression made.</summary>
    /// <exception cref="WorkflowException">It is longer than <see cref="MaxItems"/> or larger than <see cref="MaxSize"/>.</exception>
    public ExpressionValue Made(IEnumerable<ExpressionValue> items, Expression at)
    {
        List<ExpressionValue> list = [];
        long size = 0;
        foreach (ExpressionValue item in items)
        {
            Spend(1, at);
            if (list.Count == MaxItems)
            {
                throw Fault(at, $"The list has more than {MaxItems} items");
            }

            size += item.Size + 1;
            ThrowIfTooLarge(size, at);
            list.Add(item);
        }

        return ExpressionValue.Of(list);
    }

    /// <summary>Refuses what would be larger than <see cref="MaxSize"/>.</summary>
    public void ThrowIfTooLarge(long size, Expression at)
    {
        if (size > MaxSize)
        {
            throw Fault(at, $"The value is larger than {MaxSize} characters");
        }
    }

    /// <summary>An error at a part of the expression.</summary>
    public WorkflowException Fault(Expression at, string problem, Exception? inner = null) =>
        ExpressionFault.At(problem, at.Position, whole.Source ?? whole.ToString(), inner);

    private ExpressionValue Unary(UnaryExpression unary)
    {
        if (unary.Operator == UnaryOperator.Not)
        {
            return ExpressionValue.Of(!Holds(unary.Operand));
        }

        ExpressionValue value = Evaluate(unary.Operand);
        return value.Kind switch
        {
            JsonValueKind.Undefined => value,
            JsonValueKind.Number => ExpressionValue.Of(value.Number.Negate()),
            _ => throw Fault(unary, $"'-' needs a number, not {value.Kind.Name()},"),
        };
    }

    private ExpressionValue Binary(BinaryExpression binary) => binary.Operator switch
    {
        BinaryOperator.Or => ExpressionValue.Of(Holds(binary.Left) || Holds(binary.Right)),
        BinaryOperator.And => ExpressionValue.Of(Holds(binary.Left) && Holds(binary.Right)),
        BinaryOperator.Equal => ExpressionValue.Of(AreEqual(binary)),
        BinaryOperator.NotEqual => ExpressionValue.Of(!AreEqual(binary)),
        BinaryOperator.In => ExpressionValue.Of(IsIn(binary.Left, binary.Right, binary)),
        BinaryOperator.NotIn => ExpressionValue.Of(!IsIn(binary.Left, binary.Right, binary)),
        BinaryOperator.Contains => ExpressionValue.Of(IsIn(binary.Right, binary.Left, binary)),
        BinaryOperator.StartsWith or BinaryOperator.EndsWith or BinaryOperator.Matches => ExpressionValue.Of(TextTest(binary)),
        >= BinaryOperator.Add => Arithmetic(binary),
        _ => ExpressionValue.Of(IsOrdered(binary)),
    };

    private bool AreEqual(BinaryExpression binary)
    {
        ExpressionValue left = Evaluate(binary.Left);
        ExpressionValue right = Evaluate(binary.Right);
        if (left.Kind == right.Kind)
        {
            SpendOn(left, binary);
            SpendOn(right, binary);
        }

        return ExpressionComparison.AreEqual(left, right);
    }

    private bool IsOrdered(BinaryExpression binary)
    {
        ExpressionValue left = Evaluate(binary.Left);
        ExpressionValue right = Evaluate(binary.Right);
        if (left.IsMissingOrNull || right.IsMissingOrNull)
        {
            return false;
        }

        int order = ExpressionComparison.Compare(left, right)
            ?? throw Fault(binary, $"'{ExpressionOperators.SignOf(binary.Operator)}' cannot order {left.Kind.Name()} and {right.Kind.Name()}");
        return binary.Operator switch
        {
            BinaryOperator.Less => order < 0,
            BinaryOperator.LessOrEqual => order <= 0,
            BinaryOperator.Greater => order > 0,
            _ => order >= 0,
        };
    }

    private bool IsIn(Expression item, Expression container, BinaryExpression at)
    {
        ExpressionValue sought = Evaluate(item);
        if (container is ArrayExpression array)
        {
            // The usual case needs no list, and a missing item in it counts as null.
            return array.Items.Any(candidate => ExpressionComparison.AreEqual(sought, Evaluate(candidate)));
        }

        ExpressionValue all = Evaluate(container);
        SpendOn(all, at);
        return (all.Kind, sought.Kind) switch
        {
            (JsonValueKind.Undefined or JsonValueKind.Null, _) => false,
            (JsonValueKind.Array, _) => Contains(all, sought, at),
            (JsonValueKind.String or JsonValueKind.Object, JsonValueKind.Undefined or JsonValueKind.Null) => false,
            (JsonValueKind.String, JsonValueKind.String) => all.Text.Contains(sought.Text, StringComparison.Ordinal),
            (JsonValueKind.Object, JsonValueKind.String) => !all.Member(sought.Text).IsMissing,
            _ => throw Fault(at, $"'{ExpressionOperators.SignOf(at.Operator)}' cannot look for {sought.Kind.Name()} in {all.Kind.Name()}"),
        };
    }

    private bool Contains(in ExpressionValue list, in ExpressionValue sought, Expression at)
    {
        foreach (ExpressionValue item in list.Items)
        {
            if (item.Kind == sought.Kind)
            {
                Spend(sought.Size / CharactersPerStep, at);
            }

            if (ExpressionComparison.AreEqual(item, sought))
            {
                return true;
            }
        }

        return false;
    }

    private bool TextTest(BinaryExpression binary)
    {
        ExpressionValue text = Evaluate(binary.Left);
        ExpressionValue other = Evaluate(binary.Right);
        if (text.IsMissingOrNull || other.IsMissingOrNull)
        {
            return false;
        }

        if (text.Kind != JsonValueKind.String || other.Kind != JsonValueKind.String)
        {
            throw Fault(binary, $"'{ExpressionOperators.SignOf(binary.Operator)}' needs two strings, not {text.Kind.Name()} and {other.Kind.Name()},");
        }

        SpendOn(text, binary);
        return binary.Operator switch
        {
            BinaryOperator.StartsWith => text.Text.StartsWith(other.Text, StringComparison.Ordinal),
            BinaryOperator.EndsWith => text.Text.EndsWith(other.Text, StringComparison.Ordinal),
            _ => IsMatch(text.Text, other.Text, binary),
        };
    }

    private bool IsMatch(string text, string pattern, BinaryExpression at)
    {
        // Compiling and matching cost far more than a comparison.
        Spend(100, at);
        if (!ExpressionPatterns.TryGet(pattern, out Regex? regex, out string? problem))
        {
            throw Fault(at.Right, problem);
        }

        try
        {
            return regex.IsMatch(text);
        }
        catch (RegexMatchTimeoutException exception)
        {
            throw Fault(at, $"The pattern takes longer than {ExpressionPatterns.Timeout.TotalMilliseconds} ms", exception);
        }
    }

    private ExpressionValue Arithmetic(BinaryExpression binary)
    {
        ExpressionValue left = Evaluate(binary.Left);
        ExpressionValue right = Evaluate(binary.Right);
        if (left.IsMissing || right.IsMissing)
        {
            return default;
        }

        string sign = ExpressionOperators.SignOf(binary.Operator);
        if (left.Kind == JsonValueKind.Number && right.Kind == JsonValueKind.Number)
        {
            return Calculate(binary, left.Number, right.Number);
        }

        bool joins = binary.Operator == BinaryOperator.Add
            && (left.Kind == JsonValueKind.String || right.Kind == JsonValueKind.String)
            && IsScalar(left) && IsScalar(right);
        return joins
            ? Made(left.ToText() + right.ToText(), binary)
            : throw Fault(binary, $"'{sign}' cannot take {left.Kind.Name()} and {right.Kind.Name()}");
    }

    /// <summary>The result of an arithmetic operator.</summary>
    /// <exception cref="WorkflowException">It has none.</exception>
    public ExpressionValue Calculate(BinaryExpression binary, ExpressionNumber left, ExpressionNumber right)
    {
        if (binary.Operator is BinaryOperator.Divide or BinaryOperator.Remainder && right.IsZero)
        {
            throw Fault(binary, "Division by zero");
        }

        return ExpressionNumber.Calculate(binary.Operator, left, right) is { } result
            ? ExpressionValue.Of(result)
            : throw Fault(binary, "The result is too large a number");
    }

    private static bool IsScalar(in ExpressionValue value) => value.Kind is not (JsonValueKind.Array or JsonValueKind.Object);

    private ExpressionValue Array(ArrayExpression array)
    {
        ExpressionValue[] items = new ExpressionValue[array.Items.Count];
        for (int i = 0; i < items.Length; i++)
        {
            items[i] = Evaluate(array.Items[i]);
            if (items[i].IsMissing)
            {
                return default;
            }
        }

        return Made(items, array);
    }

    private ExpressionValue Object(ObjectExpression obj)
    {
        KeyValuePair<string, ExpressionValue>[] members = new KeyValuePair<string, ExpressionValue>[obj.Members.Count];
        long size = 2;
        for (int i = 0; i < members.Length; i++)
        {
            ExpressionValue value = Evaluate(obj.Members[i].Value);
            if (value.IsMissing)
            {
                return default;
            }

            members[i] = new(obj.Members[i].Key, value);
            size += obj.Members[i].Key.Length + value.Size + 4;
            ThrowIfTooLarge(size, obj);
        }

        Spend(size / CharactersPerStep, obj);
        return ExpressionValue.Of(JsonValues.Write(writer =>
        {
            writer.WriteStartObject();
            foreach ((string name, ExpressionValue value) in members)
            {
                writer.WritePropertyName(name);
                value.WriteTo(writer);
            }

            writer.WriteEndObject();
        }));
    }
}
