namespace LlmWorkflow.AppHost.Servers;

/// <summary>Files and directories that only their owner may read (on Windows: whoever the parent directory allows).</summary>
internal static class PrivateFile
{
    /// <summary>Replaces the file in one step, so that a reader never sees half of it.</summary>
    public static void Write(string path, string text)
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        var temporary = path + ".new";
        using (var writer = new StreamWriter(temporary, options))
        {
            writer.Write(text);
        }

        File.Move(temporary, path, overwrite: true);
    }

    /// <param name="path">Made with its parents, unless it is there.</param>
    /// <param name="traversable">Others may reach what is in it and theirs, but not list it.</param>
    public static void CreateDirectory(string path, bool traversable = false)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
        }
        else
        {
            var others = traversable ? UnixFileMode.GroupExecute | UnixFileMode.OtherExecute : UnixFileMode.None;
            Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | others);
        }
    }
}
