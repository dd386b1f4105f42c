using System.Globalization;

namespace LlmWorkflow.Cli.Running;

/// <summary>What is said of a step besides its name.</summary>
internal static class StepText
{
    /// <summary>For example <c>completed in 1.20 s, 2 attempts, 1,204 tokens, $0.0123</c>.</summary>
    public static string Of(ShownStep step, TimeSpan elapsed)
    {
        List<string> parts = [step.Status == "skipped" ? "skipped" : string.Create(CultureInfo.InvariantCulture, $"{step.Status}{(step.Duration is null ? "" : " in")} {(step.Duration ?? elapsed).TotalSeconds:0.00} s")];
        if (step.Attempts > 1)
        {
            parts.Add(string.Create(CultureInfo.InvariantCulture, $"{(step.Duration is null ? "attempt " : "")}{step.Attempts}{(step.Duration is null ? "" : " attempts")}"));
        }

        if (step.Tokens is { } tokens)
        {
            parts.Add(string.Create(CultureInfo.InvariantCulture, $"{tokens:N0} tokens"));
            parts.Add(Money.Text(step.CostUsd));
        }

        return string.Join(", ", parts);
    }
}
