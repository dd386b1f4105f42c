using System.CommandLine;
using LlmWorkflow.Engine.Costs;

namespace LlmWorkflow.Cli.Costs;

/// <summary>Options that take a date or time.</summary>
internal static class TimeOption
{
    public static Option<string?> Create(string name, string description) => new(name) { Description = $"{description} ISO date or time, UTC.", HelpName = "TIME" };

    /// <summary>The time given; null when none is.</summary>
    /// <exception cref="CliException">It is none.</exception>
    public static DateTimeOffset? Read(ParseResult arguments, Option<string?> option) =>
        arguments.GetValue(option) is not { } text ? null
        : IsoTime.TryParse(text, out var time) ? time
        : throw new CliException($"{option.Name} must be a date or time such as 2026-11-21 or 2026-11-21T18:00:00Z, not '{text}'.");

    /// <summary>A time as text.</summary>
    public static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", System.Globalization.CultureInfo.InvariantCulture);
}
