using LlmWorkflow.Cli;

namespace LlmWorkflow.Tests.Cli.Authoring;

/// <summary>Calls of the command line in a folder of their own.</summary>
internal static class TestCli
{
    public static async Task<(int Code, string Out, string Error)> RunAsync(string folder, string input, params string[] args)
    {
        using StringWriter output = new() { NewLine = "\n" };
        using StringWriter error = new() { NewLine = "\n" };
        using StringReader lines = new(input);
        var code = await CliApp.RunAsync(args, new CliHost { Out = output, Error = error, In = lines, CurrentDirectory = folder });
        return (code, output.ToString(), error.ToString());
    }
}
