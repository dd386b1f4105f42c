using System.CommandLine;

namespace LlmWorkflow.Cli.Checking;

/// <summary>Where a text goes: a file, or standard output.</summary>
internal static class OutputFile
{
    public static Option<string?> Option() => new("--output", "-o") { Description = "Write to this file. Default: standard output.", HelpName = "FILE" };

    /// <summary>Writes the text, ended by a line break.</summary>
    /// <exception cref="CliException">The file cannot be written.</exception>
    public static async Task<int> WriteAsync(CliHost host, string? file, string text, CancellationToken cancellationToken)
    {
        text = text.TrimEnd('\n') + "\n";
        if (file is null)
        {
            await host.Out.WriteAsync(text.AsMemory(), cancellationToken);
            return ExitCodes.Success;
        }

        try
        {
            await File.WriteAllTextAsync(host.FullPath(file), text, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CliException($"'{file}' cannot be written: {e.Message}", ExitCodes.Failure);
        }

        await host.Error.WriteLineAsync($"Written: {file}".AsMemory(), cancellationToken);
        return ExitCodes.Success;
    }
}
