using System.Globalization;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Providers;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>Tokens and cost of the call that an <c>llm</c> step would make.</summary>
internal sealed class DryRunCalls(PriceBook prices, string defaultProvider, DateTimeOffset at)
{
    /// <summary>What an unknown value of the input, or an item of a list, counts.</summary>
    private static readonly Size s_input = new(200, 10_000);

    /// <summary>What the unknown output of a step that is no <c>llm</c> step counts.</summary>
    private static readonly Size s_output = new(500, 10_000);

    /// <summary>What <c>context.user_id</c> and the like count.</summary>
    private static readonly Size s_context = new(20, 100);

    // What a repair adds to the prompt beyond the reply: the list of what is wrong with it.
    private const int RepairTokens = 1_000;

    private readonly Dictionary<string, Size> _replies = new(StringComparer.Ordinal);

    // All messages shown so far: a plan must not grow with the definition times the input.
    private int _shown;

    /// <summary>Most characters of all messages together.</summary>
    private const int ShownInAll = 2_000_000;

    /// <summary>What the figures rest on.</summary>
    public static IReadOnlyList<string> Assumptions { get; } =
    [
        $"Tokens are estimated as {TokenEstimate.Method}; the highest figures take no more than one token per byte.",
        "Lowest: the job succeeds at the first attempt, each answer is one token, whatever is optional is left out, and a step with 'cache' finds its reply there.",
        "Expected: no retry, each answer is half of its max_tokens, an optional step runs, and a branch that cannot be foretold counts as the mean of those possible.",
        "Highest: all attempts, fallbacks and repairs, each answered in full, and the dearest branches, within the budgets of steps and workflow.",
        string.Create(CultureInfo.InvariantCulture, $"A value not known yet counts in a prompt as {s_output.Expected} tokens (highest {s_output.Highest:N0}) from a step, {s_input.Expected} (highest {s_input.Highest:N0}) from the input or a list, {s_context.Expected} from the context; an answer of an llm step as half of its max_tokens (highest all of it)."),
        "Calls of external services are not priced. Crashes and retries of the whole job add nothing: finished steps are not paid again.",
    ];

    /// <summary>The call, what it costs in one attempt, and what is worth knowing about it.</summary>
    /// <param name="step">The step.</param>
    /// <param name="model">Its model, resolved.</param>
    /// <param name="messages">Its messages; null: they could not be rendered.</param>
    /// <param name="scope">Resolves the models of fallbacks.</param>
    /// <param name="notes">Is told why a figure is missing.</param>
    public (PlannedCall Call, CostRange Cost) Plan(LlmStepDefinition step, string model, IReadOnlyList<LlmMessage>? messages, DryRunScope scope, List<string> notes)
    {
        int maxTokens = step.MaxTokens ?? prices.DefaultMaxTokens(model);
        Size reply = new(maxTokens / 2, maxTokens);
        _replies[step.Id] = reply;
        Size? input = messages is null ? null : Measure(messages, size => size.Expected, size => size.Highest);
        input = input is null ? null : input with
        {
            Highest = input.Highest + TokenEstimate.FormatUpperBound(step.ResponseFormat.Kind is not ResponseKind.Text, step.ResponseFormat.Schema),
        };
        List<LlmFallback> fallbacks = [.. step.Fallbacks.Select(fallback => fallback with { Model = scope.Text(fallback.Model) })];
        PlannedCall call = new()
        {
            Provider = step.Provider ?? defaultProvider,
            Model = DryRunPlaceholder.Show(model),
            Fallbacks = [.. fallbacks.Select(fallback => $"{fallback.Provider ?? step.Provider ?? defaultProvider}/{DryRunPlaceholder.Show(fallback.Model)}")],
            Messages = [.. (messages ?? []).Select(Shown)],
            InputTokens = input?.Expected,
            OutputTokens = reply.Expected,
            MaxTokens = maxTokens,
            RepairAttempts = step.RepairAttempts,
        };
        if (input is null)
        {
            notes.Add("The prompts cannot be rendered, so the cost is not known.");
            return (call, new CostRange(null, null, null));
        }

        string repairModel = step.RepairModel is null ? model : scope.Text(step.RepairModel);
        foreach (string unpriced in fallbacks.Select(fallback => fallback.Model).Append(model).Append(repairModel).Where(name => WorstCase(name, 0, 1) is null).Distinct())
        {
            notes.Add(DryRunPlaceholder.IsIn(unpriced)
                ? $"The model {DryRunPlaceholder.Show(unpriced)} is not known yet, so its price is not."
                : $"pricing.json has no price for '{unpriced}': figures with it are not known.");
        }

        long least = Measure(messages!, _ => 0, _ => 0).Expected;
        decimal? highest = fallbacks.Aggregate(WorstCase(model, input.Highest, maxTokens), (sum, fallback) =>
            sum + WorstCase(fallback.Model, input.Highest, step.MaxTokens ?? prices.DefaultMaxTokens(fallback.Model)));
        // Each repair shows the model the reply before, and that one's faults.
        long repairInput = input.Highest + step.RepairAttempts * (long)(maxTokens + RepairTokens);
        highest += step.RepairAttempts == 0 ? 0 : step.RepairAttempts * WorstCase(repairModel, repairInput, maxTokens);
        return (call, new CostRange(
            step.Cache is null ? Cost(model, least, 1) : 0,
            Cost(model, input.Expected, reply.Expected),
            highest));
    }

    private decimal? Cost(string model, long input, long output) => prices.Cost(model, new TokenUsage { InputTokens = input, OutputTokens = output }, at);

    private decimal? WorstCase(string model, long input, int maxTokens) => prices.WorstCase(model, input, maxTokens, at);

    private Size Measure(IReadOnlyList<LlmMessage> messages, Func<Size, long> expected, Func<Size, long> highest)
    {
        long expectedUnknown = 0;
        long highestUnknown = 0;
        List<LlmMessage> known = [];
        foreach (LlmMessage message in messages)
        {
            (string text, IReadOnlyList<string> unknown) = DryRunPlaceholder.Split(message.Content);
            known.Add(message with { Content = text });
            expectedUnknown += unknown.Sum(name => expected(SizeOf(name)));
            highestUnknown += unknown.Sum(name => highest(SizeOf(name)));
        }

        return new Size(TokenEstimate.Input(known) + expectedUnknown, TokenEstimate.InputUpperBound(known) + highestUnknown);
    }

    private Size SizeOf(string expression)
    {
        int step = expression.IndexOf("steps.", StringComparison.Ordinal);
        if (step < 0)
        {
            return expression.StartsWith("context.", StringComparison.Ordinal) ? s_context : s_input;
        }

        string id = string.Concat(expression[(step + "steps.".Length)..].TakeWhile(letter => char.IsLetterOrDigit(letter) || letter == '_'));
        return _replies.GetValueOrDefault(id, s_output);
    }

    private PlannedMessage Shown(LlmMessage message)
    {
        string text = DryRunPlaceholder.Show(message.Content);
        int length = Math.Min(text.Length, Math.Min(DryRunPlanner.ShownCharacters, ShownInAll - _shown));
        _shown += length;
        return new PlannedMessage
        {
            Role = message.Role,
            Content = length == text.Length ? text : text[..length] + "…",
            Complete = length == text.Length && !DryRunPlaceholder.IsIn(message.Content),
        };
    }

    // Tokens.
    private sealed record Size(long Expected, long Highest);
}
