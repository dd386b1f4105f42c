using LlmWorkflow.Cli;
using LlmWorkflow.Tests.Support;

namespace LlmWorkflow.Tests.Cli;

/// <summary>A call of <c>llmflow</c> in this process.</summary>
internal sealed class CliCall : IDisposable
{
    private readonly StringWriter _out = new();
    private readonly LineTrigger _error = new();

    public Dictionary<string, string> Environment { get; } = [];

    public string CurrentDirectory { get; init; } = Repository.Root;

    public string In { get; init; } = "";

    public bool IsTerminal { get; init; }

    public string Out => _out.ToString();

    public string Error => _error.ToString();

    public string[] OutLines => Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Does something as soon as a line of standard error holds this text.</summary>
    public void When(string text, Action act) => (_error.Awaited, _error.Act) = (text, act);

    public Task<int> RunAsync(params string[] args) => RunAsync(CancellationToken.None, args);

    public Task<int> RunAsync(CancellationToken cancellationToken, params string[] args) => CliApp.RunAsync(
        args,
        new CliHost
        {
            Out = _out,
            Error = _error,
            In = new StringReader(In),
            IsTerminal = IsTerminal,
            IsOutTerminal = IsTerminal,
            Environment = Environment.GetValueOrDefault,
            CurrentDirectory = CurrentDirectory,
        },
        cancellationToken);

    public void Dispose()
    {
        _out.Dispose();
        _error.Dispose();
    }

    private sealed class LineTrigger : StringWriter
    {
        public string? Awaited { get; set; }

        public Action Act { get; set; } = static () => { };

        public override void WriteLine(string? value)
        {
            base.WriteLine(value);
            if (Awaited is { } text && value?.Contains(text, StringComparison.Ordinal) == true)
            {
                Act();
            }
        }
    }
}
