using System.Security.Cryptography;
using System.Text;
using StackExchange.Redis;

namespace LlmWorkflow.Engine.Queue;

/// <summary>
/// A Lua script, called by its hash. The client library's own script calls do not survive a restart of Redis in the oldest version that we
/// run on (NOSCRIPT is not retried), so the retry is here.
/// </summary>
internal sealed class RedisScript(string source)
{
    // SHA-1 is how Redis names scripts.
#pragma warning disable CA5350
    private readonly string _hash = Convert.ToHexStringLower(SHA1.HashData(Encoding.UTF8.GetBytes(source)));
#pragma warning restore CA5350

    public async Task<RedisResult> RunAsync(IDatabase database, IReadOnlyList<string> keys, IReadOnlyList<string> arguments)
    {
        try
        {
            return await database.ExecuteAsync("EVALSHA", Arguments(_hash, keys, arguments));
        }
        catch (RedisServerException e) when (e.Message.StartsWith("NOSCRIPT", StringComparison.Ordinal))
        {
            return await database.ExecuteAsync("EVAL", Arguments(source, keys, arguments));
        }
    }

    private static object[] Arguments(string script, IReadOnlyList<string> keys, IReadOnlyList<string> arguments) =>
        [script, keys.Count, .. keys.Select(k => (object)(RedisKey)k), .. arguments];
}
