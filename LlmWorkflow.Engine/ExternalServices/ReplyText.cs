using System.Net;
using System.Text;
using System.Text.Encodings.Web;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.ExternalServices;

/// <summary>The bytes of a reply made fit for use: UTF-8, without NUL, without the service's key. Pure.</summary>
internal static class ReplyText
{
    // A shorter text is no secret, and taking it out would tear replies.
    private const int ShortestKey = 3;

    private static readonly byte[] s_redacted = Encoding.UTF8.GetBytes(Redactor.Redacted);

    /// <summary>Cleans it.</summary>
    /// <param name="body">As received, decompressed.</param>
    /// <param name="charset">As the reply named it; null: UTF-8.</param>
    /// <param name="key">Replaced wherever it stands, as it is, escaped as in JSON or as in a URL.</param>
    public static byte[] Clean(byte[] body, string? charset, string? key)
    {
        body = ToUtf8(body, charset);
        ReplaceNul(body);
        foreach (var form in Forms(key))
        {
            body = Replace(body, Encoding.UTF8.GetBytes(form));
        }

        return body;
    }

    /// <summary>Whether a text holds the key in one of its forms.</summary>
    public static bool Holds(string text, string? key) => Forms(key).Any(form => text.Contains(form, StringComparison.OrdinalIgnoreCase));

    private static byte[] ToUtf8(byte[] body, string? charset)
    {
        try
        {
            if (charset is not null && Encoding.GetEncoding(charset.Trim('"')) is var encoding and not UTF8Encoding and not ASCIIEncoding)
            {
                body = Encoding.Convert(encoding, Encoding.UTF8, body);
            }
        }
        catch (ArgumentException)
        {
            // An encoding that nobody knows: read as UTF-8, as RFC 8259 has it.
        }

        return body.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? body[Encoding.UTF8.Preamble.Length..] : body;
    }

    // Postgres stores no NUL in JSON; what stands for it becomes the replacement character, as in model output.
    private static void ReplaceNul(byte[] body)
    {
        var start = 0;
        while (body.AsSpan(start).IndexOf(@"\u0000"u8) is var index and >= 0)
        {
            var at = start + index;
            var slashes = 0;
            while (slashes < at && body[at - 1 - slashes] == '\\')
            {
                slashes++;
            }

            if (slashes % 2 == 0)
            {
                @"\ufffd"u8.CopyTo(body.AsSpan(at));
            }

            start = at + 6;
        }
    }

    private static IEnumerable<string> Forms(string? key)
    {
        if (key is null || key.Length < ShortestKey)
        {
            return [];
        }

        var json = JavaScriptEncoder.Default.Encode(key);
        var url = Uri.EscapeDataString(key);
        string[] forms =
        [
            key, json, Lowered(json, @"\u", 6), JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(key), key.Replace("/", @"\/", StringComparison.Ordinal),
            url, Lowered(url, "%", 3), WebUtility.UrlEncode(key),
        ];
        return forms.Distinct(StringComparer.Ordinal).OrderByDescending(form => form.Length);
    }

    // Hex digits of escapes in lower case.
    private static string Lowered(string text, string mark, int length)
    {
        StringBuilder lowered = new(text);
        for (var at = text.IndexOf(mark, StringComparison.Ordinal); at >= 0 && at + length <= text.Length; at = text.IndexOf(mark, at + length, StringComparison.Ordinal))
        {
            for (var i = at + mark.Length; i < at + length; i++)
            {
                lowered[i] = char.ToLowerInvariant(text[i]);
            }
        }

        return lowered.ToString();
    }

    private static byte[] Replace(byte[] body, byte[] old)
    {
        var at = body.AsSpan().IndexOf(old);
        if (at < 0)
        {
            return body;
        }

        List<byte> replaced = new(body.Length);
        var start = 0;
        for (; at >= 0; at = body.AsSpan(start).IndexOf(old))
        {
            replaced.AddRange(body.AsSpan(start, at));
            replaced.AddRange(s_redacted);
            start += at + old.Length;
        }

        replaced.AddRange(body.AsSpan(start));
        return [.. replaced];
    }
}
