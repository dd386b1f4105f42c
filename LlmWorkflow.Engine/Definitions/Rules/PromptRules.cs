using System.Text.Json;
using LlmWorkflow.Engine.Definitions.Language;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;
using LlmWorkflow.Engine.Prompts;

namespace LlmWorkflow.Engine.Definitions.Rules;

/// <summary>Checks prompts: their files and includes, the variables that they read, and their expressions.</summary>
internal sealed class PromptRules(JsonElement root, IReadOnlyDictionary<string, string> prompts, ReferenceRules references, DefinitionIssues issues)
{
    private readonly HashSet<string> _used = new(StringComparer.Ordinal);

    /// <summary>Paths of the prompts that the definition uses, includes too.</summary>
    public IReadOnlySet<string> Used => _used;

    /// <summary>Checks a prompt, or the text of a <c>template</c> transform.</summary>
    public void Check(UsedText text)
    {
        string name = text.Use switch
        {
            TextUse.PromptFile => $"Prompt '{Shortened.Name(text.Text)}'",
            TextUse.TransformTemplate => "The template",
            _ => "The prompt",
        };
        // Includes move what stands behind them, so positions count only without any.
        bool isAsWritten = text.Use != TextUse.PromptFile && !text.Text.Contains("{{", StringComparison.Ordinal);
        try
        {
            string source = text.Use switch
            {
                TextUse.PromptFile => PromptIncludes.ExpandFile(text.Text, prompts, _used),
                TextUse.TransformTemplate => text.Text,
                _ => PromptIncludes.ExpandText(text.Text, prompts, _used),
            };
            CompiledPrompt prompt = PromptRenderer.Compile(source);
            Variables(prompt, name, text);
            foreach (Expression expression in prompt.Expressions)
            {
                references.Check(expression, text, isAsWritten ? 0 : null);
            }
        }
        catch (PromptException exception)
        {
            issues.Error(Code(exception.Fault), text.Place, exception.Message, exception.Suggestion);
        }
        catch (ExpressionSyntaxException exception)
        {
            issues.ErrorInText(
                IssueCodes.InvalidExpression, text.Place, isAsWritten ? exception.Position : -1, $"{name}: {exception.Message} at position {exception.Position + 1}.");
        }
        catch (HandlebarsDotNet.HandlebarsException exception)
        {
            issues.Error(IssueCodes.InvalidPrompt, text.Place, $"{name}: {exception.Message.TrimEnd('.')}.");
        }
    }

    private static string Code(PromptFault fault) => fault switch
    {
        PromptFault.MissingPrompt => IssueCodes.MissingPrompt,
        PromptFault.MissingInclude => IssueCodes.MissingInclude,
        PromptFault.IncludeCycle => IssueCodes.IncludeCycle,
        PromptFault.PathOutside => IssueCodes.PromptPathOutside,
        _ => IssueCodes.InvalidPrompt,
    };

    private void Variables(CompiledPrompt prompt, string name, UsedText text)
    {
        // A template transform stands beside its variables; without any it reads the fields of its input, whatever they are.
        JsonElement owner = text.Use == TextUse.TransformTemplate ? text.Place.Parent!.In(root) : text.Step!.Json;
        Fields fields = new(owner);
        if (text.Use == TextUse.TransformTemplate && !fields.Has("variables"))
        {
            return;
        }

        IReadOnlyDictionary<string, JsonElement> given = fields.Members("variables");
        foreach (string variable in prompt.Variables.Where(variable => !given.ContainsKey(variable)))
        {
            issues.Error(
                IssueCodes.UnknownVariable,
                text.Place,
                $"{name} uses the variable '{Shortened.Name(variable)}', which the step does not give.",
                NearestNames.Suggest(variable, [.. given.Keys]) ?? $"Add '{variable}' to the step's \"variables\".");
        }
    }
}
