namespace LlmWorkflow.Engine.Definitions.Language;

/// <summary>Forms and bounds that several parts of the language share.</summary>
internal static class Forms
{
    /// <summary>Longest time limit of a job or an attempt, in seconds: a week.</summary>
    public const decimal LongestTimeout = 7 * 24 * 3600;

    /// <summary>Longest wait, in seconds: a year.</summary>
    public const decimal LongestWait = 365 * 24 * 3600;

    /// <summary>Longest life of a cached reply, in seconds: 30 days.</summary>
    public const decimal LongestCache = 30 * 24 * 3600;

    /// <summary>Highest budget, in USD.</summary>
    public const decimal HighestCost = 100_000;

    private const string Rule = "a lower-case letter, then up to 99 lower-case letters, digits and '_'";

    private const string NamePattern = "^[a-z][a-z0-9_]{0,99}$";

    /// <summary>Names of workflows.</summary>
    public static TextForm WorkflowName { get; } = new(NamePattern, $"workflow name: {Rule}", IssueCodes.InvalidName);

    /// <summary>Ids of steps.</summary>
    public static TextForm StepId { get; } = new(NamePattern, $"step id: {Rule}", IssueCodes.InvalidName);

    /// <summary>Names of parallel branches.</summary>
    public static TextForm BranchName { get; } = new(NamePattern, $"branch name: {Rule}", IssueCodes.InvalidName);

    /// <summary>Names of a foreach's item: no name that would hide something else.</summary>
    public static TextForm ItemName { get; } = new(
        "^(?!(?:input|steps|context|index|true|false|null|in|not|contains|starts_with|ends_with|matches)$)[a-z][a-z0-9_]{0,99}$",
        $"name for the item: {Rule}, and none of input, steps, context, index and the words of the expression language",
        IssueCodes.InvalidName);

    /// <summary>Semantic versions.</summary>
    public static TextForm Version { get; } = new(
        @"^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$", "semantic version: write it as \"1.0.0\"", IssueCodes.InvalidValue);

    /// <summary>Names of signals, which stand in a URL; <c>${…}</c> gives a part of it.</summary>
    public static TextForm Signal { get; } = new(
        @"^[A-Za-z0-9._:-]*(\$\{.*\}[A-Za-z0-9._:-]*)?$", "signal name: letters, digits, '.', '_', '-', ':' and ${…}", IssueCodes.InvalidName);

    /// <summary>A text that must be given and not be empty.</summary>
    public static TextShape Filled(TextUse use = TextUse.Plain) => new(use) { Least = 1 };

    /// <summary>One of several words.</summary>
    public static TextShape Choice(params IReadOnlyList<string> choices) => new() { Choices = choices };

    /// <summary>Seconds, parts of them too.</summary>
    public static NumberShape Seconds(decimal least, decimal most) => new(least, most);
}
