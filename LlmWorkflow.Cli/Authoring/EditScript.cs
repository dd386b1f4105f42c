using System.Globalization;

namespace LlmWorkflow.Cli.Authoring;

/// <summary><c>llmflow edit</c> without a terminal: one command per line of standard input.</summary>
internal static class EditScript
{
    /// <summary>Runs the commands until <c>quit</c> or the end.</summary>
    /// <returns>0; 1 with unsaved changes or a refused <c>save</c>; 2 after a wrong command, which also keeps the rest from being saved.</returns>
    public static async Task<int> RunAsync(EditSession session, CliHost host, bool allowErrors, CancellationToken cancellationToken)
    {
        EditLines commands = new(session, host, allowErrors);
        var isWrong = false;
        var isRefused = false;
        var result = LineResult.GoOn;
        for (var number = 1; result is LineResult.GoOn && await host.In.ReadLineAsync(cancellationToken) is { } line; number++)
        {
            var isSave = new CommandWords(line).Peek() == "save";
            try
            {
                result = isSave && isWrong ? throw new EditException("Not saved: a command before was wrong.") : commands.Run(line);
            }
            catch (EditException e)
            {
                isRefused |= isSave;
                isWrong |= !isSave;
                await host.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"error: line {number}: {e.Message}").AsMemory(), cancellationToken);
            }
        }

        var isLost = session.IsChanged && result is not LineResult.Discard;
        if (isLost)
        {
            await host.Error.WriteLineAsync($"error: {session.Shown} has unsaved changes, which are lost: end with 'save', or with 'quit discard'.".AsMemory(), cancellationToken);
        }

        return isWrong ? ExitCodes.Usage : isRefused || isLost ? ExitCodes.Failure : ExitCodes.Success;
    }
}
