using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace LlmWorkflow.Client;

/// <summary>What became of a check.</summary>
public enum WebhookVerification
{
    /// <summary>The webhook is genuine and fresh.</summary>
    Valid,

    /// <summary>A header is missing or malformed.</summary>
    MissingHeader,

    /// <summary>Its timestamp lies too far from now: a replay, or a wrong clock.</summary>
    OutOfTolerance,

    /// <summary>No signature fits: another secret, or the body was changed.</summary>
    WrongSignature,
}

/// <summary>
/// Checks that a webhook comes from the service: Standard Webhooks 1.0.0 (<c>webhook-id</c>, <c>webhook-timestamp</c>,
/// <c>webhook-signature</c>), which also refuses replays, and the older <c>X-Webhook-Signature</c>, which does not. Give it the exact bytes of the body.
/// </summary>
/// <param name="secret">The job's <c>webhook_secret</c>, or the service's <c>LLM_WEBHOOK_SECRET</c>.</param>
/// <param name="tolerance">Largest distance of the timestamp from now; 5 minutes by default.</param>
/// <param name="time">The clock; the system's by default.</param>
public sealed class WebhookVerifier(string secret, TimeSpan? tolerance = null, TimeProvider? time = null)
{
    private const string SecretPrefix = "whsec_";
    private const string BodyPrefix = "sha256=";

    private readonly byte[] _key = Key(secret);
    private readonly byte[] _text = Encoding.UTF8.GetBytes(secret);
    private readonly TimeSpan _tolerance = tolerance ?? TimeSpan.FromMinutes(5);
    private readonly TimeProvider _time = time ?? TimeProvider.System;

    /// <summary>Checks a webhook by its Standard Webhooks headers. Use <c>webhook-id</c> against duplicates: it is the same over all attempts.</summary>
    /// <param name="header">The value of a header by its lower-case name; null when it is missing.</param>
    /// <param name="body">The exact body.</param>
    public WebhookVerification Verify(Func<string, string?> header, ReadOnlySpan<byte> body)
    {
        ArgumentNullException.ThrowIfNull(header);
        return Verify(header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"), body);
    }

    /// <inheritdoc cref="Verify(Func{string, string?}, ReadOnlySpan{byte})"/>
    public WebhookVerification Verify(string? id, string? timestamp, string? signatures, ReadOnlySpan<byte> body)
    {
        if (string.IsNullOrEmpty(id) || string.IsNullOrEmpty(signatures)
            || !long.TryParse(timestamp, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds))
        {
            return WebhookVerification.MissingHeader;
        }

        // Checked first, so that a replay is named as one; both checks are needed for Valid.
        if (Math.Abs((double)_time.GetUtcNow().ToUnixTimeSeconds() - seconds) > _tolerance.TotalSeconds)
        {
            return WebhookVerification.OutOfTolerance;
        }

        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, _key);
        hmac.AppendData(Encoding.UTF8.GetBytes($"{id}.{timestamp}."));
        hmac.AppendData(body);
        var expected = hmac.GetHashAndReset();
        var found = false;
        // Several while a secret is being changed; other versions than v1 are not ours.
        foreach (var signature in signatures.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            var given = new byte[expected.Length];
            found |= signature.StartsWith("v1,", StringComparison.Ordinal)
                && Convert.TryFromBase64Chars(signature.AsSpan(3), given, out var length) && length == expected.Length
                && CryptographicOperations.FixedTimeEquals(given, expected);
        }

        return found ? WebhookVerification.Valid : WebhookVerification.WrongSignature;
    }

    /// <summary>Checks the older header <c>X-Webhook-Signature: sha256=&lt;hex&gt;</c>. A replay passes.</summary>
    public WebhookVerification VerifyBody(string? signature, ReadOnlySpan<byte> body)
    {
        var given = new byte[HMACSHA256.HashSizeInBytes];
        if (signature is null || !signature.StartsWith(BodyPrefix, StringComparison.Ordinal) || signature.Length != BodyPrefix.Length + (2 * given.Length)
            || Convert.FromHexString(signature.AsSpan(BodyPrefix.Length), given, out _, out _) is not System.Buffers.OperationStatus.Done)
        {
            return WebhookVerification.MissingHeader;
        }

        return CryptographicOperations.FixedTimeEquals(given, HMACSHA256.HashData(_text, body)) ? WebhookVerification.Valid : WebhookVerification.WrongSignature;
    }

    // As Standard Webhooks defines it, the key is what follows whsec_, decoded. Other secrets, and what only looks like one, are keys as they stand.
    private static byte[] Key(string secret)
    {
        ArgumentException.ThrowIfNullOrEmpty(secret);
        if (secret.StartsWith(SecretPrefix, StringComparison.Ordinal))
        {
            var key = new byte[secret.Length];
            if (Convert.TryFromBase64Chars(secret.AsSpan(SecretPrefix.Length), key, out var length) && length > 0)
            {
                return key[..length];
            }
        }

        return Encoding.UTF8.GetBytes(secret);
    }
}
