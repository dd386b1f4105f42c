using LlmWorkflow.Engine.Jobs;
using Spectre.Console;

namespace LlmWorkflow.Cli.Running;

/// <summary>The steps as a tree that is drawn again and again, on a terminal.</summary>
internal sealed class LiveView(CliHost host, RunSteps steps, string title) : IRunView
{
    private const int ShownText = 160;

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly IAnsiConsole _console = AnsiConsole.Create(new() { Ansi = AnsiSupport.Yes, ColorSystem = ColorSystemSupport.Standard, Interactive = InteractionSupport.No, Out = new ConsoleWidth(host.Error) });
    private CancellationTokenSource? _drawing;
    private Task _drawn = Task.CompletedTask;

    /// <inheritdoc/>
    public void Start()
    {
        _drawing = new();
        var stop = _drawing.Token;
        _drawn = _console.Live(Tree()).Overflow(VerticalOverflow.Crop).Cropping(VerticalOverflowCropping.Top).StartAsync(async context =>
        {
            while (!stop.IsCancellationRequested)
            {
                context.UpdateTarget(Tree());
                await Task.Delay(Interval, host.Time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            context.UpdateTarget(Tree());
        });
    }

    /// <inheritdoc/>
    public void Show(JobEvent told, ShownStep? step)
    {
        // The next drawing shows it.
    }

    /// <inheritdoc/>
    public async Task<T> PauseAsync<T>(Func<Task<T>> ask)
    {
        ArgumentNullException.ThrowIfNull(ask);
        await DisposeAsync();
        try
        {
            return await ask();
        }
        finally
        {
            Start();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_drawing is { } drawing)
        {
            await drawing.CancelAsync();
            await _drawn;
            drawing.Dispose();
            _drawing = null;
        }
    }

    private static string Mark(ShownStep step) => step.Status switch
    {
        "completed" => "[green]✓[/]",
        "failed" => "[red]✗[/]",
        "skipped" => "[grey]-[/]",
        _ => "[yellow]•[/]",
    };

    private Tree Tree() => steps.Read(all =>
    {
        var root = new Tree(Markup.Escape(title)).Guide(TreeGuide.Line);
        root.Style = new(Color.Grey);
        Dictionary<string, TreeNode> nodes = new(StringComparer.Ordinal);
        HashSet<string> ended = new(StringComparer.Ordinal);
        foreach (var step in all)
        {
            var around = Around(step.Path, nodes, ended);
            // What is inside a step that has completed is told by the step itself.
            if (around is { } hidden && ended.Contains(hidden))
            {
                ended.Add(step.Path);
                continue;
            }

            var inside = around is { } outer ? step.Path[(outer.Length + 1)..] : step.Path;
            var node = around is { } parent ? nodes[parent].AddNode(new Markup(Line(step, inside))) : root.AddNode(new Markup(Line(step, inside)));
            nodes[step.Path] = node;
            if (step.Status == "completed")
            {
                ended.Add(step.Path);
            }

            if (step.Text.ReplaceLineEndings(" ").Trim() is { Length: > 0 } text)
            {
                node.AddNode(new Text(text.Length > ShownText ? "…" + text[^ShownText..] : text, new Style(Color.Grey)));
            }
        }

        return root;
    });

    private static string? Around(string path, Dictionary<string, TreeNode> nodes, HashSet<string> ended)
    {
        for (var slash = path.LastIndexOf('/'); slash > 0; slash = path.LastIndexOf('/', slash - 1))
        {
            if (nodes.ContainsKey(path[..slash]) || ended.Contains(path[..slash]))
            {
                return path[..slash];
            }
        }

        return null;
    }

    private string Line(ShownStep step, string inside) =>
        $"{Mark(step)} {Markup.Escape(step.Label)} [grey]{Markup.Escape(inside)}  {Markup.Escape(StepText.Of(step, steps.Since(step)))}[/]"
        + (step.Problem is { } problem ? $" [red]{Markup.Escape(problem)}[/]" : "");

    // Spectre asks the console of standard output for its width; what is drawn goes elsewhere.
    private sealed class ConsoleWidth(TextWriter writer) : IAnsiConsoleOutput
    {
        private readonly AnsiConsoleOutput _plain = new(writer);

        public TextWriter Writer => writer;

        public bool IsTerminal => true;

        public int Width => Size(static () => Console.WindowWidth, 100);

        public int Height => Size(static () => Console.WindowHeight, 40);

        public void SetEncoding(System.Text.Encoding encoding) => _plain.SetEncoding(encoding);

        private static int Size(Func<int> read, int fallback)
        {
            try
            {
                return read() is > 0 and var size ? size : fallback;
            }
            catch (IOException)
            {
                return fallback;
            }
        }
    }
}
