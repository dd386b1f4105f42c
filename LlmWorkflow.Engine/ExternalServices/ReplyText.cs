using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace LlmWorkflow.Engine.ExternalServices;

/// <summary>The bytes of a reply made fit for use: UTF-8, without NUL and half characters, without the service's key. Pure.</summary>
internal static class ReplyText
{
    /// <summary>Cleans it.</summary>
    /// <param name="body">As received, decompressed.</param>
    /// <param name="charset">As the reply named it; null: UTF-8.</param>
    /// <param name="key">Replaced wherever it stands; see <see cref="KeyText"/>.</param>
    public static byte[] Clean(byte[] body, string? charset, string? key)
    {
        body = ToUtf8(body, charset);
        ReplaceUnstorable(body);
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

        if (!Utf8.IsValid(body))
        {
            body = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(body));
        }

        return body.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? body[Encoding.UTF8.Preamble.Length..] : body;
    }

    // Postgres stores no NUL in JSON, and half a surrogate pair is no character: what stands for them becomes the replacement character, as in model output.
    private static void ReplaceUnstorable(byte[] body)
    {
        for (var at = body.AsSpan().IndexOf((byte)'\\'); at >= 0 && at < body.Length; at++)
        {
            if (body[at] != '\\')
            {
                continue;
            }

            if (!IsEscaped(body, at, out var code))
            {
                at++;
                continue;
            }

            var isPair = char.IsHighSurrogate(code) && IsEscaped(body, at + 6, out var second) && char.IsLowSurrogate(second);
            if (code == 0 || (char.IsSurrogate(code) && !isPair))
            {
                @"\ufffd"u8.CopyTo(body.AsSpan(at));
            }

            at += isPair ? 11 : 5;
        }
    }

    private static bool IsEscaped(byte[] body, int at, out char code)
    {
        code = default;
        if (at + 6 > body.Length || body[at] != '\\' || body[at + 1] != 'u'
            || !ushort.TryParse(body.AsSpan(at + 2, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var number))
        {
            return false;
        }

        code = (char)number;
        return true;
    }
}
