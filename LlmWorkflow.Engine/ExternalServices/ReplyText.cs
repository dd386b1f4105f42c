using System.Text;

namespace LlmWorkflow.Engine.ExternalServices;

/// <summary>The bytes of a reply made fit for use: UTF-8, without NUL, without the service's key. Pure.</summary>
internal static class ReplyText
{
    /// <summary>Cleans it.</summary>
    /// <param name="body">As received, decompressed.</param>
    /// <param name="charset">As the reply named it; null: UTF-8.</param>
    /// <param name="key">Replaced wherever it stands; see <see cref="KeyText"/>.</param>
    public static byte[] Clean(byte[] body, string? charset, string? key)
    {
        body = ToUtf8(body, charset);
        ReplaceNul(body);
        return KeyText.Of(key)?.Remove(body) ?? body;
    }

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
}
