using System.Diagnostics;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Tests.Engine.Expressions;

public sealed class ExpressionPropertyTests
{
    [Fact]
    public void Print_AnyExpression_ParsesToTheSameExpression() =>
        Prop.ForAll<int>(seed =>
        {
            Expression expression = new RandomExpressions(seed).Expression(5);
            Assert.Equal(RandomExpressions.Shape(expression), RandomExpressions.Shape(ExpressionParser.Parse(expression.ToString())));
            Assert.Equal(expression.ToString(), ExpressionParser.ParseEmbedded($"${{{expression}}}", 2, out _).ToString());
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(5000));

    [Fact]
    public void Evaluate_Twice_GivesTheSame() =>
        Prop.ForAll<int>(seed =>
        {
            string text = new RandomExpressions(seed).Expression(5).ToString();
            Assert.Equal(Outcome(text, RandomExpressions.Scope), Outcome(text, RandomExpressions.Scope));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(3000));

    [Fact]
    public void Evaluate_AnyText_ThrowsOnlyItsOwnErrors() =>
        Prop.ForAll<string>(text => Assert.NotNull(Outcome(text ?? "", TestScope.Standard))).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    [Fact]
    public void Evaluate_HundredThousandRandomExpressions_StaysInTimeAndThrowsOnlyItsOwnErrors()
    {
        const int Count = 100_000;
        RandomExpressions random = new(20261121);
        Dictionary<string, int> outcomes = [];
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < Count; i++)
        {
            string text = i % 4 == 0 ? random.Text() : random.Expression(1 + (i % 5)).ToString();
            string kind = Outcome(text, RandomExpressions.Scope).Split(' ')[0];
            outcomes[kind] = outcomes.GetValueOrDefault(kind) + 1;
        }

        Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromMinutes(1), $"It took {Stopwatch.GetElapsedTime(start)}.");
        // All three must come up often, or the expressions are no test.
        Assert.All(["syntax", "error", "value"], kind => Assert.InRange(outcomes[kind], Count / 20, Count));
    }

    private static string Outcome(string text, ExpressionScope scope)
    {
        try
        {
            return "value " + JsonValues.ToJson(ExpressionEvaluator.Require(ExpressionParser.Parse(text), scope));
        }
        catch (ExpressionSyntaxException exception)
        {
            Assert.InRange(exception.Position, 0, text.Length);
            return "syntax " + exception.Message;
        }
        catch (WorkflowException exception)
        {
            Assert.Equal(ErrorTypes.ExpressionError, exception.Error.Type);
            return "error " + exception.Message;
        }
        catch (InvalidOperationException exception) when (exception.StackTrace!.Contains(nameof(JsonValues.ToJson), StringComparison.Ordinal))
        {
            // The value itself came from outside with half a surrogate pair; handing it on is no reading.
            return "value";
        }
    }
}
