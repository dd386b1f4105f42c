using System.Globalization;
using LlmWorkflow.Engine.Definitions;

namespace LlmWorkflow.Cli.Checking;

/// <summary>A plan as text for people.</summary>
/// <param name="output">Where to.</param>
/// <param name="withPrompts">Whether the prompts are shown.</param>
internal sealed class PlanText(TextWriter output, bool withPrompts)
{
    private const int LongestDetail = 100;

    /// <summary>Writes it.</summary>
    public void Write(DryRunPlan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        output.WriteLine($"{plan.Workflow} {plan.Version} ({plan.Hash[..Math.Min(12, plan.Hash.Length)]})");
        foreach (var issue in plan.Issues)
        {
            output.WriteLine($"  {IssueText.Severity(issue)} {issue.Code}: {issue.Message}");
        }

        if (plan.InputIssues.Count > 0)
        {
            output.WriteLine("The input breaks the input_schema:");
            foreach (var issue in plan.InputIssues)
            {
                output.WriteLine(JobInput.Line(issue));
            }
        }

        output.WriteLine();
        foreach (var step in plan.Steps)
        {
            Write(step, "");
        }

        output.WriteLine();
        output.WriteLine($"Cost: {Cost(plan.Cost)}");
        output.WriteLine($"Tokens: {plan.TokenMethod}");
        foreach (var note in plan.Assumptions.Concat(plan.Notes))
        {
            output.WriteLine($"- {note}");
        }
    }

    private static string Runs(PlannedRun run) => run switch
    {
        PlannedRun.No => " [not run]",
        PlannedRun.Maybe => " [maybe]",
        _ => "",
    };

    private static string Cost(CostRange cost) => $"lowest {Usd(cost.Lowest)}, expected {Usd(cost.Expected)}, highest {Usd(cost.Highest)}";

    private static string Usd(decimal? usd) => Money.Text(usd);

    private void Write(PlannedStep step, string indent)
    {
        output.WriteLine($"{indent}- {step.Id} ({step.Type}){Runs(step.Runs)}: {step.Label}");
        indent += "    ";
        if (step.When is { } when)
        {
            output.WriteLine($"{indent}when: {when}");
        }

        if (step.Llm is { } call)
        {
            Write(call, indent);
        }

        foreach (var (name, value) in step.Details)
        {
            var text = value.ToString().ReplaceLineEndings(" ");
            output.WriteLine($"{indent}{name}: {(text.Length > LongestDetail ? text[..LongestDetail] + "…" : text)}");
        }

        if (step.ItemCount is { } items)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{indent}items: {items}"));
        }

        if (step.Attempts > 1)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{indent}attempts: up to {step.Attempts}"));
        }

        if (step.Cost is { Highest: not 0 } or { Expected: not 0 })
        {
            output.WriteLine($"{indent}cost: {Cost(step.Cost)}");
        }

        foreach (var note in step.Notes)
        {
            output.WriteLine($"{indent}note: {note}");
        }

        foreach (var branch in step.Branches)
        {
            output.WriteLine($"{indent}{branch.Name}{Runs(branch.Runs)}{(branch.When is { } condition ? $" when {condition}" : "")}:");
            foreach (var inner in branch.Steps)
            {
                Write(inner, indent + "  ");
            }
        }
    }

    private void Write(PlannedCall call, string indent)
    {
        output.WriteLine($"{indent}model: {string.Join(", else ", call.Fallbacks.Prepend($"{call.Provider}/{call.Model}"))}");
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{indent}tokens: {call.InputTokens?.ToString(CultureInfo.InvariantCulture) ?? "unknown"} in, {call.OutputTokens} out expected, {call.MaxTokens} at most"));
        foreach (var message in withPrompts ? call.Messages : [])
        {
            output.WriteLine($"{indent}{message.Role}:");
            foreach (var line in message.Content.Split('\n'))
            {
                output.WriteLine($"{indent}  {line}".TrimEnd());
            }
        }
    }
}
