using System.Text;

namespace LlmWorkflow.Cli.Authoring;

/// <summary>A definition file on disk, as it was when it was read or written last.</summary>
internal sealed class DefinitionFile
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private byte[] _bytes;

    private DefinitionFile(string path, byte[] bytes) => (Path, _bytes) = (path, bytes);

    /// <summary>Absolute.</summary>
    public string Path { get; }

    /// <summary>Its text, without a byte order mark.</summary>
    public string Text => Decode(_bytes);

    private bool HasMark => _bytes.AsSpan().StartsWith(Encoding.UTF8.Preamble);

    /// <summary>Reads a file.</summary>
    /// <param name="path">Absolute.</param>
    /// <param name="shown">As the caller named it.</param>
    /// <exception cref="CliException">There is none, or it is no UTF-8 text.</exception>
    public static DefinitionFile Read(string path, string shown)
    {
        // A link stays one: what it leads to is replaced.
        var target = File.Exists(path) && File.ResolveLinkTarget(path, returnFinalTarget: true) is { } linked ? linked.FullName : path;
        try
        {
            var bytes = File.ReadAllBytes(target);
            Decode(bytes);
            return new(target, bytes);
        }
        catch (DecoderFallbackException)
        {
            throw new CliException($"'{shown}' is not valid UTF-8.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CliException(e is FileNotFoundException or DirectoryNotFoundException ? $"there is no file '{shown}'." : $"'{shown}' cannot be read: {e.Message}");
        }
    }

    /// <summary>Whether somebody else has written or deleted it meanwhile.</summary>
    public bool IsChanged() => !File.Exists(Path) || !File.ReadAllBytes(Path).AsSpan().SequenceEqual(_bytes);

    /// <summary>Reads it again.</summary>
    /// <exception cref="CliException">There is none, or it is no UTF-8 text.</exception>
    public void Reload() => _bytes = Read(Path, Path)._bytes;

    /// <summary>Replaces it in one go: who reads it gets the old text or the new one, never a part.</summary>
    public void Write(string text)
    {
        byte[] bytes = [.. HasMark ? Encoding.UTF8.Preamble : [], .. Strict.GetBytes(text)];
        var fresh = $"{Path}.{Guid.NewGuid():n}.tmp";
        try
        {
            using (var stream = new FileStream(fresh, FileMode.CreateNew, FileAccess.Write))
            {
                stream.Write(bytes);
                stream.Flush(flushToDisk: true);
            }

            if (!OperatingSystem.IsWindows() && File.Exists(Path))
            {
                File.SetUnixFileMode(fresh, File.GetUnixFileMode(Path));
            }

            File.Move(fresh, Path, overwrite: true);
        }
        finally
        {
            File.Delete(fresh);
        }

        _bytes = bytes;
    }

    private static string Decode(byte[] bytes) => Strict.GetString(bytes.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? bytes.AsSpan(Encoding.UTF8.Preamble.Length) : bytes);
}
