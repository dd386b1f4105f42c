using System.Security.Cryptography;
using System.Text;

namespace LlmWorkflow.Engine.ExternalServices.Caching;

/// <summary>Names a kept reply: what was asked, of whom. Holds no secret: the service's key is no part of it.</summary>
/// <param name="Service">Service name.</param>
/// <param name="Operation">Operation name.</param>
/// <param name="Hash">Of everything that decides the reply.</param>
internal sealed record ReplyKey(string Service, string Operation, string Hash)
{
    /// <summary>The key as text, in every level of the cache.</summary>
    public string Text => $"{Service}:{Operation}:{Hash}";

    /// <summary>The key of a question.</summary>
    /// <param name="service">Service name.</param>
    /// <param name="operation">Operation name.</param>
    /// <param name="parts">Everything that decides the reply: the operation's fingerprint, the base URL, the checked parameters.</param>
    public static ReplyKey Of(string service, string operation, params ReadOnlySpan<string> parts)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var part in parts)
        {
            var bytes = Encoding.UTF8.GetBytes(part);
            hash.AppendData(BitConverter.GetBytes(bytes.Length));
            hash.AppendData(bytes);
        }

        return new(service, operation, Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 16)));
    }
}

/// <summary>How long a reply is kept.</summary>
/// <param name="Ttl">As a fresh one, also for replies that others asked for with a longer time.</param>
/// <param name="StaleIfError">After that, only to stand in when the service fails with an error that may pass.</param>
internal sealed record CachePolicy(TimeSpan Ttl, TimeSpan StaleIfError);
