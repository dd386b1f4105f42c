using System.Globalization;
using System.Text;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>Texts of a diagram, in a form that Mermaid takes for text whatever they hold.</summary>
internal static class MermaidText
{
    /// <summary>Longest name or condition, in characters; the rest is cut.</summary>
    public const int MaxLength = 60;

    // Harmless inside a quoted label. Everything else that is no letter or digit becomes an entity code: quotes, brackets, markdown, HTML, icons, formulas.
    private const string Plain = " ,'()/?=…·";

    // Harmless between letters; at the start of a word they make markdown of it.
    private const string Joining = "._-";

    /// <summary>A text inside quotes: one line, cut, escaped (<c>#34;</c> is Mermaid's way to write a character by its code).</summary>
    public static string Label(string text)
    {
        StringBuilder label = new();
        char before = ' ';
        foreach (Rune rune in Shorten(text).EnumerateRunes())
        {
            char letter = rune.IsBmp ? (char)rune.Value : 'a';
            bool joins = Joining.Contains(letter, StringComparison.Ordinal) && char.IsLetter(before);
            // Mermaid writes its own marks with this ligature while it parses.
            if ((Rune.IsLetterOrDigit(rune) && letter != 'ﬂ') || joins || Plain.Contains(letter, StringComparison.Ordinal))
            {
                label.Append(rune.ToString());
            }
            else
            {
                label.Append(CultureInfo.InvariantCulture, $"#{rune.Value};");
            }

            before = letter;
        }

        return label.ToString();
    }

    /// <summary>A condition, without the <c>${…}</c> that may stand around it.</summary>
    public static string Condition(string expression)
    {
        string trimmed = expression.Trim();
        return Label(trimmed.StartsWith("${", StringComparison.Ordinal) && trimmed.EndsWith('}') ? trimmed[2..^1] : trimmed);
    }

    /// <summary>Name, type with what matters most of it, and retries, a line each.</summary>
    public static string StepLabel(StepDefinition step)
    {
        string label = $"{Label(step.Label)}<br/>{step.Type}{Detail(step)}";
        return Attempts(step) is { } attempts ? $"{label}<br/>up to {attempts}" : label;
    }

    /// <summary>The number of attempts in words; null for one attempt.</summary>
    public static string? Attempts(StepDefinition step)
    {
        RetryPolicy? retry = step.Retry ?? (step.OnError == OnError.Retry ? new RetryPolicy() : null);
        return retry is { MaxAttempts: > 1 } ? string.Create(CultureInfo.InvariantCulture, $"{retry.MaxAttempts} attempts") : null;
    }

    /// <summary>A number of seconds with its unit.</summary>
    public static string Seconds(double seconds) => string.Create(CultureInfo.InvariantCulture, $"{seconds} s");

    private static string Detail(StepDefinition step) => step switch
    {
        LlmStepDefinition llm => $" · {Label(llm.Model)}",
        ExternalApiStepDefinition api => $" · {Label($"{api.Service}.{api.Operation}")}",
        TransformStepDefinition transform => $" · {Label(string.Join(", ", transform.Operations.Select(operation => operation.Operation)))}",
        WorkflowStepDefinition workflow => $" · {Label(workflow.Workflow)}",
        WaitStepDefinition { Until: { } until } => $" until {Label(until)}",
        WaitStepDefinition { Seconds.ValueKind: System.Text.Json.JsonValueKind.String } wait => $" {Label(wait.Seconds.GetString()!)} s",
        WaitStepDefinition wait => $" {Label(wait.Seconds.ToString())} s",
        ApprovalStepDefinition approval => $" · {Label(approval.Signal)}",
        ParallelStepDefinition parallel => AtOnce(parallel.MaxConcurrency) + (parallel.FailFast ? "" : ", all run to their end"),
        ForeachStepDefinition loop => $" {Label(loop.As)} in {Condition(loop.Items)}{AtOnce(loop.MaxConcurrency)}",
        _ => "",
    };

    private static string AtOnce(int? limit) => limit is null ? "" : string.Create(CultureInfo.InvariantCulture, $", {limit} at once");

    private static string Shorten(string text)
    {
        StringBuilder line = new();
        foreach (Rune rune in text.EnumerateRunes())
        {
            bool isSpace = Rune.IsWhiteSpace(rune) || Rune.IsControl(rune);
            if (line.Length >= MaxLength)
            {
                return line.ToString().TrimEnd() + "…";
            }

            if (!isSpace)
            {
                line.Append(rune.ToString());
            }
            else if (line.Length > 0 && line[^1] != ' ')
            {
                line.Append(' ');
            }
        }

        return line.ToString().TrimEnd();
    }
}

/// <summary>Ids of a diagram's nodes: made from step ids, of letters, digits and '_' only, each once, and never a word that Mermaid keeps for itself.</summary>
internal sealed class MermaidIds
{
    private readonly HashSet<string> _taken = new(StringComparer.Ordinal);

    /// <summary>A new id.</summary>
    /// <param name="stepId">The step's id.</param>
    /// <param name="part">What belongs to the step without being it; null: the step itself.</param>
    public string Of(string stepId, string? part = null)
    {
        // The prefix tells steps from the workflow's own nodes and from reserved words (end, style, default…).
        string id = part is null ? $"s_{Safe(stepId)}" : $"s_{Safe(stepId)}__{Safe(part)}";
        string free = id;
        for (int i = 2; !_taken.Add(free); i++)
        {
            free = string.Create(CultureInfo.InvariantCulture, $"{id}_{i}");
        }

        return free;
    }

    private static string Safe(string text) => string.Concat(text.Select(letter =>
        char.IsAsciiLetterOrDigit(letter) || letter == '_' ? letter.ToString() : string.Create(CultureInfo.InvariantCulture, $"_x{(int)letter:x}")));
}
