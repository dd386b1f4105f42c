using LlmWorkflow.Engine.Definitions.Language;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.Definitions.Rules;

/// <summary>Parses every expression of a definition, apart from those in prompts, and has their reads checked.</summary>
internal sealed class ExpressionRules(ReferenceRules references, DefinitionIssues issues)
{
    /// <summary>Checks a text.</summary>
    public void Check(UsedText text)
    {
        // Positions count from behind the white space in front.
        int index = IsTemplate(text.Use) ? 0 : text.Text.Length - text.Text.TrimStart().Length;
        try
        {
            IEnumerable<Expression> expressions = IsTemplate(text.Use) ? Template.Parse(text.Text).Expressions : [ExpressionParser.ParseBare(text.Text)];
            foreach (Expression expression in expressions)
            {
                references.Check(expression, text, index);
            }
        }
        catch (ExpressionSyntaxException exception)
        {
            issues.ErrorInText(
                IssueCodes.InvalidExpression,
                text.Place,
                index + exception.Position,
                $"{exception.Message} at position {index + exception.Position + 1}.",
                IsTemplate(text.Use) ? "A literal '${' is written '$${'." : null);
        }
    }

    private static bool IsTemplate(TextUse use) => use is TextUse.Template or TextUse.ItemTemplate;
}
