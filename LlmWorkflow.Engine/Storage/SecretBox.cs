using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.Storage;

/// <summary>
/// Encrypts webhook secrets at rest: AES-256-GCM under a key derived by HKDF-SHA256 from <see cref="EngineOptions.EncryptionKey"/>.
/// Layout of a box: version (1 byte), nonce (12), tag (16), ciphertext.
/// </summary>
public sealed class SecretBox(EngineOptions options)
{
    /// <summary>Shortest <see cref="EngineOptions.EncryptionKey"/>: 32 characters, so that a passphrase is not guessed offline from a stolen table.</summary>
    public const int MinimumKeyLength = 32;

    private const byte Version = 1;
    private const int NonceSize = 12;
    private const int TagSize = 16;
    private const int HeaderSize = 1 + NonceSize + TagSize;

    // Keeps this key apart from others that are derived from the same setting. Fixed for good: a change makes every stored secret unreadable.
    private static readonly byte[] Label = "llmworkflow webhook secrets v1"u8.ToArray();

    private readonly byte[]? key = options.EncryptionKey.Length < MinimumKeyLength
        ? null
        : HKDF.DeriveKey(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(options.EncryptionKey), 32, info: Label);

    /// <summary>Encrypts a secret under a new random nonce.</summary>
    /// <exception cref="WorkflowException">CONFIG_ERROR: the setting is missing or too short.</exception>
    public byte[] Seal(string secret)
    {
        if (key is null)
        {
            throw new WorkflowException(new()
            {
                Type = ErrorTypes.MissingSetting,
                Category = ErrorCategory.Config,
                Message = $"A webhook_secret cannot be stored: the setting ENCRYPTION_KEY is missing or shorter than {MinimumKeyLength} characters.",
            });
        }

        var plain = Encoding.UTF8.GetBytes(secret);
        var box = new byte[HeaderSize + plain.Length];
        box[0] = Version;
        var nonce = box.AsSpan(1, NonceSize);
        RandomNumberGenerator.Fill(nonce);
        using var cipher = new AesGcm(key, TagSize);
        cipher.Encrypt(nonce, plain, box.AsSpan(HeaderSize), box.AsSpan(1 + NonceSize, TagSize), box.AsSpan(0, 1));
        return box;
    }

    /// <summary>Decrypts a box. False, with the reason, when it was sealed under another key, is damaged, or is of a later version.</summary>
    public bool TryOpen(ReadOnlySpan<byte> box, [NotNullWhen(true)] out string? secret, [NotNullWhen(false)] out string? reason)
    {
        secret = null;
        if (key is null)
        {
            reason = $"The webhook secret cannot be decrypted: the setting ENCRYPTION_KEY is missing or shorter than {MinimumKeyLength} characters.";
            return false;
        }

        if (box.Length < HeaderSize || box[0] != Version)
        {
            reason = "The webhook secret cannot be decrypted: it is damaged, or was stored by a later version of this service.";
            return false;
        }

        var plain = new byte[box.Length - HeaderSize];
        try
        {
            using var cipher = new AesGcm(key, TagSize);
            cipher.Decrypt(box.Slice(1, NonceSize), box[HeaderSize..], box.Slice(1 + NonceSize, TagSize), plain, box[..1]);
        }
        catch (AuthenticationTagMismatchException)
        {
            reason = "The webhook secret cannot be decrypted: it was stored under another EncryptionKey, or is damaged.";
            return false;
        }

        secret = Encoding.UTF8.GetString(plain);
        reason = null;
        return true;
    }
}
