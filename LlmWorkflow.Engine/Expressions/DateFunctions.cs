using System.Globalization;
using System.Text.Json;

namespace LlmWorkflow.Engine.Expressions;

/// <summary>Functions over dates.</summary>
internal static class DateFunctions
{
    private const int MaxFormat = 100;

    // Only whole dates: what .NET would complete from today's date or the machine's settings is refused.
    private static readonly string[] s_formats =
    [
        "yyyy-MM-dd", "yyyy-MM-dd'T'HH:mm", "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd'T'HH:mm:ss", "yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF",
        "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", "yyyy-MM-dd HH:mm", "yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd HH:mm:ssK", "yyyy-MM-dd HH:mm:ss.FFFFFFFK",
    ];

    public static ExpressionValue Format(FunctionArguments arguments)
    {
        DateTimeOffset date = Date(arguments);
        string format = arguments.Count > 1 ? arguments.Text(1) : "yyyy-MM-dd";
        if (format.Length is 0 or > MaxFormat)
        {
            throw arguments.Fault(1, $"'format_date' needs a format of 1 to {MaxFormat} characters");
        }

        try
        {
            return arguments.Made(date.ToString(format, CultureInfo.InvariantCulture));
        }
        catch (Exception exception) when (exception is FormatException or ArgumentOutOfRangeException)
        {
            throw arguments.Fault(1, $"'{format}' is no date format", exception);
        }
    }

    private static DateTimeOffset Date(FunctionArguments arguments)
    {
        switch (arguments[0].Kind)
        {
            case JsonValueKind.String:
                return DateTimeOffset.TryParseExact(
                    arguments.Text(0).Trim(), s_formats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset date)
                    ? date
                    : throw arguments.Fault(0, $"'format_date' needs a date such as 2026-03-04T05:06:07Z, not \"{ExpressionFault.Excerpt(arguments.Text(0), 0)}\"");
            case JsonValueKind.Number:
                decimal seconds = arguments.Number(0).ToDecimal() ?? decimal.MaxValue;
                decimal first = DateTimeOffset.MinValue.ToUnixTimeSeconds();
                decimal last = DateTimeOffset.MaxValue.ToUnixTimeSeconds();
                return seconds >= first && seconds <= last
                    ? DateTimeOffset.FromUnixTimeMilliseconds((long)(seconds * 1000))
                    : throw arguments.Fault(0, "'format_date' takes seconds since 1970; these are in no year up to 9999,");
            default:
                throw arguments.WrongKind(0, "a string or number");
        }
    }
}
