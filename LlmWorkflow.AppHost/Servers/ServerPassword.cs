using System.Security.Cryptography;

namespace LlmWorkflow.AppHost.Servers;

/// <summary>The password of a local server: generated once, kept in the server's directory, readable by its owner alone.</summary>
internal static class ServerPassword
{
    public static async Task<string> GetOrCreateAsync(string path, CancellationToken cancellationToken)
    {
        if (File.Exists(path) && await File.ReadAllTextAsync(path, cancellationToken) is { Length: > 0 } kept)
        {
            return kept.Trim();
        }

        var password = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        await PrivateFile.WriteAsync(path, password, cancellationToken);
        return password;
    }
}
