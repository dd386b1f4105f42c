using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;
using HandlebarsDotNet;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.Prompts;

/// <summary>
/// Renders prompts: includes, then Handlebars over the step's variables and <c>${…}</c> over the scope, in one pass. Only the author's text is ever read as
/// a template: values are put in as they are, whatever braces they hold.
/// </summary>
internal static class PromptRenderer
{
    private const int MaxCached = 2_000;

    private const string SlotPrefix = "__expression_";

    private static readonly ConcurrentDictionary<string, CompiledPrompt> s_compiled = new(StringComparer.Ordinal);

    private static readonly IHandlebars s_handlebars = Handlebars.Create(new HandlebarsConfiguration
    {
        NoEscape = true,
        FormatProvider = CultureInfo.InvariantCulture,
        FormatterProviders = { new PromptFormatter() },
    });

    private static readonly Lock s_compiling = new();

    /// <summary>Renders a file of the workflow's prompts.</summary>
    /// <param name="path">Path under <c>prompts/</c>.</param>
    /// <param name="prompts">The pinned prompts.</param>
    /// <param name="variables">The step's variables, already resolved.</param>
    /// <param name="scope">What <c>${…}</c> in the prompt sees.</param>
    /// <exception cref="WorkflowException">The prompt is missing or malformed, or uses a variable or path that has no value.</exception>
    public static string RenderFile(
        string path, IReadOnlyDictionary<string, string> prompts, IReadOnlyDictionary<string, JsonElement> variables, ExpressionScope scope) =>
        Render(() => PromptIncludes.ExpandFile(path, prompts), $"prompt '{path}'", variables, scope);

    /// <summary>Renders a prompt that stands in the definition itself.</summary>
    /// <inheritdoc cref="RenderFile"/>
    public static string RenderText(
        string text, IReadOnlyDictionary<string, string> prompts, IReadOnlyDictionary<string, JsonElement> variables, ExpressionScope scope) =>
        Render(() => PromptIncludes.ExpandText(text, prompts), "the prompt", variables, scope);

    /// <summary>Parses a prompt, with its includes put in, without rendering it.</summary>
    /// <exception cref="ExpressionSyntaxException">A <c>${…}</c> is malformed.</exception>
    /// <exception cref="HandlebarsException">The Handlebars syntax is malformed.</exception>
    /// <exception cref="PromptException">It has too many tags, or they are nested too deeply.</exception>
    internal static CompiledPrompt Compile(string source)
    {
        if (s_compiled.TryGetValue(source, out CompiledPrompt? known))
        {
            return known;
        }

        if (s_compiled.Count >= MaxCached)
        {
            s_compiled.Clear();
        }

        StringBuilder text = new();
        List<Expression> expressions = [];
        foreach (TemplatePart part in Template.Parse(source).Parts)
        {
            if (part.Expression is null)
            {
                text.Append(part.Text);
                continue;
            }

            // The value reaches Handlebars as data, under a name of its own, so that it cannot be read as a template.
            text.Append(CultureInfo.InvariantCulture, $"{{{{@root.{SlotPrefix}{expressions.Count}}}}}");
            expressions.Add(part.Expression);
        }

        string handlebars = text.ToString();
        IReadOnlyList<string> variables = [.. PromptVariables.Find(handlebars).Where(name => !name.StartsWith(SlotPrefix, StringComparison.Ordinal))];
        lock (s_compiling)
        {
            return s_compiled.GetOrAdd(source, new CompiledPrompt(s_handlebars.Compile(new StringReader(handlebars)), variables, expressions));
        }
    }

    private static string Render(Func<string> expand, string name, IReadOnlyDictionary<string, JsonElement> variables, ExpressionScope scope)
    {
        try
        {
            CompiledPrompt prompt = Compile(expand());
            RenderBudget budget = new();
            Dictionary<string, object?> root = new(StringComparer.Ordinal);
            foreach (string variable in prompt.Variables)
            {
                root[variable] = variables.TryGetValue(variable, out JsonElement value) && value.ValueKind != JsonValueKind.Undefined
                    ? PromptValues.From(value, budget)
                    : throw UnknownVariable(name, variable, variables);
            }

            for (int i = 0; i < prompt.Expressions.Count; i++)
            {
                root[SlotPrefix + i.ToString(CultureInfo.InvariantCulture)] = ExpressionEvaluator.RequireText(prompt.Expressions[i], scope);
            }

            using RenderedText text = new();
            prompt.Template(text, root);
            return text.ToString();
        }
        catch (ExpressionSyntaxException exception)
        {
            throw Fault($"In {name}: {exception.Message} at position {exception.Position + 1}.", null, exception);
        }
        catch (HandlebarsException exception) when (exception.InnerException is PromptException limit)
        {
            throw Fault(limit.Message, limit.Suggestion, exception);
        }
        catch (PromptException exception)
        {
            throw Fault(exception.Message, exception.Suggestion, exception);
        }
        catch (HandlebarsException exception)
        {
            throw Fault($"In {name}: {exception.Message}", null, exception);
        }
        catch (InvalidOperationException exception)
        {
            // JSON may escape half of a surrogate pair; the reader only notices when it makes a string of it.
            throw Fault($"In {name}: a variable holds a string that is not valid Unicode.", null, exception);
        }
    }

    private static WorkflowException UnknownVariable(string prompt, string variable, IReadOnlyDictionary<string, JsonElement> variables)
    {
        string? suggestion = NearestNames.Suggest(variable, [.. variables.Keys]) ?? $"Add '{variable}' to the step's variables.";
        return Fault($"The variable '{variable}' that {prompt} uses is not among the step's variables. {suggestion}", suggestion, null);
    }

    private static WorkflowException Fault(string message, string? suggestion, Exception? inner) => new(
        new WorkflowError
        {
            Type = ErrorTypes.PromptError,
            Category = ErrorCategory.Config,
            Message = message,
            Details = new ErrorDetails { Suggestions = suggestion is null ? [] : [suggestion] },
        },
        inner);
}

/// <summary>A prompt ready to be rendered.</summary>
/// <param name="Template">Handlebars' function.</param>
/// <param name="Variables">The variables that it reads.</param>
/// <param name="Expressions">The <c>${…}</c> in it, in order.</param>
internal sealed record CompiledPrompt(HandlebarsTemplate<TextWriter, object, object> Template, IReadOnlyList<string> Variables, IReadOnlyList<Expression> Expressions);
