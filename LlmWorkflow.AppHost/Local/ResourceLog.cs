using System.Globalization;
using LlmWorkflow.AppHost.Servers;

namespace LlmWorkflow.AppHost.Local;

/// <summary>
/// Output of one instance: to <c>logs/{id}.log</c> (empty at each start of the system) and, unless told otherwise, to the console with the
/// instance's name in front, coloured on a terminal.
/// </summary>
internal sealed class ResourceLog : IAsyncDisposable
{
    private const int NameWidth = 10;
    private static readonly int[] Colours = [36, 33, 32, 35, 34, 96, 93, 92, 95, 94];
    private readonly Lock gate = new();
    private readonly StreamWriter file;
    private readonly string? prefix;
    private readonly LogTail tail;

    public ResourceLog(string directory, string id, int number, bool toConsole)
    {
        Path = System.IO.Path.Combine(directory, id + ".log");
        file = new StreamWriter(Path, append: false) { AutoFlush = true };
        tail = new LogTail(Write);
        if (toConsole)
        {
            var name = id.PadRight(NameWidth);
            prefix = Console.IsOutputRedirected
                ? $"{name} | "
                : string.Create(CultureInfo.InvariantCulture, $"\e[{Colours[number % Colours.Length]}m{name} |\e[0m ");
        }
    }

    public string Path { get; }

    /// <summary>The last lines.</summary>
    public string Tail => tail.Text;

    public void Line(string line) => tail.Add(line);

    public async ValueTask DisposeAsync() => await file.DisposeAsync();

    private void Write(string line)
    {
        lock (gate)
        {
            if (file.BaseStream is { CanWrite: true })
            {
                file.WriteLine(line);
            }
        }

        if (prefix is not null)
        {
            Console.WriteLine(prefix + line);
        }
    }
}
