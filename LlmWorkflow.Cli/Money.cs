using System.Globalization;

namespace LlmWorkflow.Cli;

/// <summary>US dollars as text.</summary>
internal static class Money
{
    /// <summary>With at least two decimals and at most six; <c>unknown</c> for null.</summary>
    public static string Text(decimal? usd) => usd is { } value ? value.ToString("'$'0.00####", CultureInfo.InvariantCulture) : "unknown";
}
