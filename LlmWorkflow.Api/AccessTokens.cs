using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using LlmWorkflow.Engine;
using Microsoft.Extensions.Options;

namespace LlmWorkflow.Api;

/// <summary>
/// Tokens for browsers: each opens status and events of one job, for reading, for a day. They are signed and not stored; a new
/// <c>ENCRYPTION_KEY</c> ends them all.
/// </summary>
internal sealed class AccessTokens(IOptions<EngineOptions> options, TimeProvider time)
{
    private const int ExpirySize = sizeof(long);
    private const int SignedSize = 16 + ExpirySize;

    /// <summary>How long a token is good for.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromHours(24);

    // Its own label, so that no other use of the same secret gives a key that signs tokens.
    private readonly byte[] _key = HKDF.DeriveKey(
        HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(options.Value.EncryptionKey), 32, info: "llmworkflow:access-token:v1"u8.ToArray());

    /// <summary>A token for the job, good from now on.</summary>
    public string Create(Guid jobId)
    {
        Span<byte> token = stackalloc byte[SignedSize + HMACSHA256.HashSizeInBytes];
        jobId.TryWriteBytes(token, bigEndian: true, out _);
        BinaryPrimitives.WriteInt64BigEndian(token[16..], (time.GetUtcNow() + Lifetime).ToUnixTimeSeconds());
        HMACSHA256.HashData(_key, token[..SignedSize], token[SignedSize..]);
        return Base64Url.EncodeToString(token);
    }

    /// <summary>Whether the token opens the job now.</summary>
    public bool IsValid(string token, Guid jobId)
    {
        Span<byte> bytes = stackalloc byte[SignedSize + HMACSHA256.HashSizeInBytes];
        if (Base64Url.DecodeFromChars(token, bytes, out _, out var length) is not OperationStatus.Done || length != bytes.Length)
        {
            return false;
        }

        Span<byte> expected = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(_key, bytes[..SignedSize], expected);
        return CryptographicOperations.FixedTimeEquals(expected, bytes[SignedSize..])
            && new Guid(bytes[..16], bigEndian: true) == jobId
            && BinaryPrimitives.ReadInt64BigEndian(bytes[16..SignedSize]) > time.GetUtcNow().ToUnixTimeSeconds();
    }
}
