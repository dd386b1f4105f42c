using System.Globalization;

namespace LlmWorkflow.ServiceDefaults;

/// <summary>
/// A connection URL taken apart: <c>scheme://[user[:password]@]host[:port][,host[:port]…][/path][?name=value&amp;…]</c>.
/// <see cref="Uri"/> is not used because it knows no host lists and its errors repeat the URL, password included.
/// </summary>
internal sealed record ConnectionUrl(
    string Scheme,
    string? User,
    string? Password,
    IReadOnlyList<(string Host, int? Port)> Hosts,
    string? Path,
    IReadOnlyList<KeyValuePair<string, string>> Options)
{
    /// <summary>Whether the text starts like a URL of one of the schemes.</summary>
    public static bool Has(string text, params ReadOnlySpan<string> schemes)
    {
        foreach (var scheme in schemes)
        {
            if (text.StartsWith($"{scheme}://", StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Takes <paramref name="text"/> apart, or reports every problem and returns null.</summary>
    public static ConnectionUrl? Parse(string text, Action<string> reject)
    {
        var sound = true;
        var split = text.IndexOf("://", StringComparison.Ordinal);
        var rest = text[(split + 3)..];
        var end = rest.AsSpan().IndexOfAny('/', '?');
        var authority = end < 0 ? rest : rest[..end];
        var tail = end < 0 ? string.Empty : rest[end..];
        if (!authority.Contains('@', StringComparison.Ordinal) && tail.Contains('@', StringComparison.Ordinal))
        {
            // What follows would be a piece of the password taken for a port or an option.
            reject("'/', '?' and '@' in a user name or password must be percent-encoded (%2F, %3F, %40)");
            return null;
        }

        var at = authority.LastIndexOf('@');
        var (user, password) = SplitPair(at < 0 ? string.Empty : authority[..at], ':');
        var hosts = new List<(string, int?)>();
        foreach (var part in authority[(at + 1)..].Split(','))
        {
            hosts.Add(Endpoint(part, Reject));
        }

        var (path, query) = SplitPair(tail, '?');
        var options = new List<KeyValuePair<string, string>>();
        foreach (var option in (query ?? string.Empty).Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var (name, value) = SplitPair(option, '=');
            options.Add(new(Decode(name, Reject), Decode(value ?? string.Empty, Reject)));
        }

        var url = new ConnectionUrl(
            text[..split].ToLowerInvariant(),
            NullIfEmpty(Decode(user, Reject)),
            password is null ? null : NullIfEmpty(Decode(password, Reject)),
            hosts,
            NullIfEmpty(Decode(path.TrimStart('/'), Reject)),
            options);
        return sound ? url : null;

        void Reject(string problem)
        {
            sound = false;
            reject(problem);
        }
    }

    private static (string Host, int? Port) Endpoint(string text, Action<string> reject)
    {
        var bracket = text.LastIndexOf(']');
        var colon = text.LastIndexOf(':');
        var host = colon > bracket ? text[..colon] : text;
        if (host.Length == 0)
        {
            reject("the host is missing");
        }

        if (colon <= bracket)
        {
            return (host, null);
        }

        if (int.TryParse(text[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and <= 65535)
        {
            return (host, port);
        }

        reject("the port must be a number from 1 to 65535");
        return (host, null);
    }

    private static (string First, string? Second) SplitPair(string text, char separator) =>
        text.IndexOf(separator, StringComparison.Ordinal) is >= 0 and var index ? (text[..index], text[(index + 1)..]) : (text, null);

    private static string Decode(string text, Action<string> reject)
    {
        for (var i = text.IndexOf('%', StringComparison.Ordinal); i >= 0; i = text.IndexOf('%', i + 1))
        {
            if (i + 2 >= text.Length || !char.IsAsciiHexDigit(text[i + 1]) || !char.IsAsciiHexDigit(text[i + 2]))
            {
                reject("a '%' is not followed by two hexadecimal digits; a literal '%' is written %25");
                return string.Empty;
            }
        }

        return Uri.UnescapeDataString(text);
    }

    private static string? NullIfEmpty(string text) => text.Length == 0 ? null : text;
}
