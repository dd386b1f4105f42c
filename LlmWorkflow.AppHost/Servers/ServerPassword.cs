using System.Security.Cryptography;

namespace LlmWorkflow.AppHost.Servers;

/// <summary>The password of a local server: generated once, kept beside its directory, readable by its owner alone.</summary>
internal static class ServerPassword
{
    public static string Generate() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

    /// <summary>The password for the server in <paramref name="directory"/>.</summary>
    public static string GetOrCreate(string directory)
    {
        var path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory)) + ".password";
        if (File.Exists(path) && File.ReadAllText(path).Trim() is { Length: > 0 } kept)
        {
            return kept;
        }

        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var password = Generate();
        PrivateFile.Write(path, password);
        return password;
    }
}
