using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;
using LlmWorkflow.Engine.Prompts;
using LlmWorkflow.Engine.Providers;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>Renders the messages of an <c>llm</c> step as far as its values are known.</summary>
internal static partial class DryRunPrompts
{
    // A value may stand in a prompt many times.
    private const long MaxRendered = 100_000_000;

    private static readonly HashSet<string> s_words = new(["this", "else", "if", "unless", "each", "with", "lookup", "true", "false", "null", "as"], StringComparer.Ordinal);

    /// <summary>The messages in order; null when one of them cannot be rendered (the scope's faults say why).</summary>
    public static IReadOnlyList<LlmMessage>? Render(LlmStepDefinition step, IReadOnlyDictionary<string, string> prompts, DryRunScope scope)
    {
        Dictionary<string, JsonElement> variables = step.Variables.ToDictionary(entry => entry.Key, entry => scope.Resolve(entry.Value), StringComparer.Ordinal);
        List<LlmMessage> messages = [];
        try
        {
            Add("system", step.SystemPrompt, step.SystemPromptTemplate);
            foreach (LlmMessageDefinition message in step.Messages)
            {
                Add(message.Role, message.Content, null);
            }

            Add("user", step.Prompt, step.PromptTemplate);

            return messages;
        }
        catch (Exception exception) when (exception is WorkflowException or PromptException or ExpressionSyntaxException)
        {
            scope.AddFault(exception.Message);
            return null;
        }

        void Add(string role, string? text, string? file)
        {
            if (file is not null || text is not null)
            {
                string source = file is not null ? PromptIncludes.ExpandFile(file, prompts) : PromptIncludes.ExpandText(text!, prompts);
                messages.Add(new LlmMessage(role, Render(source, prompts, variables, scope)));
            }
        }
    }

    private static string Render(string source, IReadOnlyDictionary<string, string> prompts, Dictionary<string, JsonElement> variables, DryRunScope scope)
    {
        long longest = variables.Values.Where(value => value.ValueKind != JsonValueKind.Undefined).Select(value => (long)value.GetRawText().Length).DefaultIfEmpty(0).Max();
        if (TagPattern().Count(source) * longest > MaxRendered)
        {
            throw new WorkflowException(new WorkflowError { Type = ErrorTypes.PromptError, Category = ErrorCategory.User, Message = $"A prompt could grow beyond {MaxRendered} characters." });
        }

        // Each ${…} is computed here, where unknown values have placeholders, and handed to the renderer as a value under a name of its own.
        StringBuilder text = new();
        List<KeyValuePair<string, JsonElement>> values = [];
        foreach (TemplatePart part in Template.Parse(source).Parts)
        {
            if (part.Expression is null)
            {
                text.Append(part.Text.Replace("${", "$${", StringComparison.Ordinal));
                continue;
            }

            string name = string.Create(CultureInfo.InvariantCulture, $"value_{values.Count}");
            text.Append("${").Append(name).Append('}');
            values.Add(new(name, scope.Evaluate(part.Expression)));
        }

        Dictionary<string, JsonElement> shaped = variables.ToDictionary(
            entry => entry.Key, entry => DryRunPlaceholder.Is(entry.Value) ? Shape(source, entry.Key, entry.Value) : entry.Value, StringComparer.Ordinal);
        return PromptRenderer.RenderText(text.ToString(), prompts, shaped, scope.Values.With([.. values]));
    }

    // An unknown value in the form that the prompt takes it for, so that loops and members show placeholders too.
    private static JsonElement Shape(string source, string variable, JsonElement placeholder)
    {
        string name = DryRunPlaceholder.NameOf(placeholder);
        Match loop = Regex.Match(source, $@"\{{\{{~?#each\s+(?:@root\.)?{Regex.Escape(variable)}\s*(?:as\s*\|[^|]*\|\s*)?~?\}}\}}(.*?)\{{\{{~?/each", RegexOptions.Singleline | RegexOptions.CultureInvariant);
        if (loop.Success)
        {
            string[] members = [.. MemberPattern().Matches(loop.Groups[1].Value).Select(match => match.Groups[1].Value).Where(member => !s_words.Contains(member)).Distinct()];
            JsonElement item = members.Length == 0 ? DryRunPlaceholder.Of($"{name}[0]") : Object($"{name}[0]", members);
            return JsonValues.Write(writer =>
            {
                writer.WriteStartArray();
                item.WriteTo(writer);
                writer.WriteEndArray();
            });
        }

        string[] read = [.. Regex.Matches(source, $@"\{{\{{[^{{}}]*?\b{Regex.Escape(variable)}\.(\w+)", RegexOptions.CultureInvariant).Select(match => match.Groups[1].Value).Distinct()];
        return read.Length == 0 ? placeholder : Object(name, read);
    }

    private static JsonElement Object(string name, string[] members) => JsonValues.Write(writer =>
    {
        writer.WriteStartObject();
        foreach (string member in members)
        {
            writer.WritePropertyName(member);
            DryRunPlaceholder.Of($"{name}.{member}").WriteTo(writer);
        }

        writer.WriteEndObject();
    });

    [GeneratedRegex(@"\{\{|\$\{", RegexOptions.CultureInvariant)]
    private static partial Regex TagPattern();

    [GeneratedRegex(@"\{\{\{?~?(?:#(?:if|unless)\s+)?(?:this\.)?([A-Za-z_]\w*)", RegexOptions.CultureInvariant)]
    private static partial Regex MemberPattern();
}
