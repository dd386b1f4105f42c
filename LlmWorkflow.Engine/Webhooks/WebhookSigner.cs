using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;

namespace LlmWorkflow.Engine.Webhooks;

/// <summary>
/// Signs a body in two forms: <c>X-Webhook-Signature</c> (hex HMAC-SHA256 of the body, keyed with the secret's text), which older receivers
/// check, and the Standard Webhooks 1.0.0 headers, which cover id and time as well, so that a receiver can refuse replays.
/// </summary>
internal static class WebhookSigner
{
    /// <summary>Prefix of a Standard Webhooks secret; base64 of the key follows.</summary>
    private const string SecretPrefix = "whsec_";

    /// <summary>The product and version that receivers see.</summary>
    private static readonly ProductInfoHeaderValue UserAgent =
        new("LlmWorkflow", typeof(WebhookSigner).Assembly.GetName().Version?.ToString(3) ?? "0.0.0");

    /// <summary>Sets the headers of one attempt; without a secret those that sign are left out.</summary>
    /// <param name="headers">Of the request.</param>
    /// <param name="name">The event.</param>
    /// <param name="id">The delivery, the same over all attempts.</param>
    /// <param name="at">The time of this attempt.</param>
    /// <param name="secret">Null: unsigned.</param>
    /// <param name="body">The exact bytes that are sent.</param>
    public static void SetHeaders(HttpRequestHeaders headers, string name, Guid id, DateTimeOffset at, string? secret, ReadOnlySpan<byte> body)
    {
        var idText = id.ToString("D");
        var timestamp = at.ToUnixTimeSeconds();
        headers.UserAgent.Add(UserAgent);
        headers.Add("X-Webhook-Event", name);
        headers.Add("webhook-id", idText);
        headers.Add("webhook-timestamp", timestamp.ToString(CultureInfo.InvariantCulture));
        if (!string.IsNullOrEmpty(secret))
        {
            headers.Add("X-Webhook-Signature", BodySignature(secret, body));
            headers.Add("webhook-signature", StandardSignature(secret, idText, timestamp, body));
        }
    }

    /// <summary><c>sha256=</c> and the lower-case hex HMAC-SHA256 of the body.</summary>
    public static string BodySignature(string secret, ReadOnlySpan<byte> body) =>
        "sha256=" + Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), body));

    /// <summary><c>v1,</c> and the base64 HMAC-SHA256 of <c>{id}.{timestamp}.{body}</c>.</summary>
    public static string StandardSignature(string secret, string id, long timestamp, ReadOnlySpan<byte> body)
    {
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, StandardKey(secret));
        hmac.AppendData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{id}.{timestamp}.")));
        hmac.AppendData(body);
        return "v1," + Convert.ToBase64String(hmac.GetHashAndReset());
    }

    // What follows whsec_ without being base64 is a secret that only looks like a Standard Webhooks one: its text is the key.
    private static byte[] StandardKey(string secret)
    {
        if (secret.StartsWith(SecretPrefix, StringComparison.Ordinal))
        {
            var encoded = secret.AsSpan(SecretPrefix.Length);
            var key = new byte[encoded.Length];
            if (Convert.TryFromBase64Chars(encoded, key, out var length) && length > 0)
            {
                return key[..length];
            }
        }

        return Encoding.UTF8.GetBytes(secret);
    }
}
