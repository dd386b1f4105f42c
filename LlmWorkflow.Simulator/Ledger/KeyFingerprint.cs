using System.Security.Cryptography;
using System.Text;

namespace LlmWorkflow.Simulator.Ledger;

/// <summary>Tells keys apart without keeping them.</summary>
internal static class KeyFingerprint
{
    private const int Digits = 12;

    /// <summary>The first 12 hexadecimal digits of the key's SHA-256.</summary>
    public static string Of(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)))[..Digits];
}
