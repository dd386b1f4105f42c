using System.Text;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace LlmWorkflow.Tests.Cli.Authoring;

/// <summary>A terminal whose person types what the test says.</summary>
internal sealed class ScriptedConsole : IAnsiConsole, IAnsiConsoleInput
{
    private readonly StringBuilder _output = new();
    private readonly IAnsiConsole _console;
    private readonly Queue<ConsoleKeyInfo> _keys = new();

    public ScriptedConsole() => _console = AnsiConsole.Create(new AnsiConsoleSettings
    {
        Out = new AnsiConsoleOutput(new StringWriter(_output)), Ansi = AnsiSupport.Yes, Interactive = InteractionSupport.Yes, ColorSystem = ColorSystemSupport.NoColors,
    });

    public string Output => _output.ToString();

    public Profile Profile => _console.Profile;

    public IAnsiConsoleCursor Cursor => _console.Cursor;

    public IAnsiConsoleInput Input => this;

    public IExclusivityMode ExclusivityMode => _console.ExclusivityMode;

    public RenderPipeline Pipeline => _console.Pipeline;

    /// <summary>Goes down a list and takes what is there.</summary>
    public ScriptedConsole Choose(int index)
    {
        for (var i = 0; i < index; i++)
        {
            _keys.Enqueue(new('\0', ConsoleKey.DownArrow, false, false, false));
        }

        return Type("");
    }

    public ScriptedConsole Type(string text)
    {
        foreach (var character in text)
        {
            _keys.Enqueue(new(character, ConsoleKey.NoName, false, false, false));
        }

        _keys.Enqueue(new('\r', ConsoleKey.Enter, false, false, false));
        return this;
    }

    public void Clear(bool home) => _console.Clear(home);

    public void Write(IRenderable renderable) => _console.Write(renderable);

    public bool IsKeyAvailable() => _keys.Count > 0;

    public ConsoleKeyInfo? ReadKey(bool intercept) => _keys.Count > 0 ? _keys.Dequeue() : throw new InvalidOperationException("The script is at its end:\n" + Output);

    public Task<ConsoleKeyInfo?> ReadKeyAsync(bool intercept, CancellationToken cancellationToken) => Task.FromResult(ReadKey(intercept));
}
