namespace LlmWorkflow.Tests.Cli.Authoring;

/// <summary>Calls of <c>llmflow</c> with piped input.</summary>
internal static class TestCli
{
    public static async Task<(int Code, string Out, string Error)> RunAsync(string folder, string input, params string[] args)
    {
        CliCall call = new() { CurrentDirectory = folder, In = input };
        var code = await call.RunAsync(args);
        return (code, call.Out, call.Error);
    }
}
