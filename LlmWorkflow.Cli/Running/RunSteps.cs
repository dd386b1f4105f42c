using System.Text.Json;
using LlmWorkflow.Engine.Jobs;

namespace LlmWorkflow.Cli.Running;

/// <summary>A step as it is shown.</summary>
internal sealed class ShownStep
{
    /// <summary>Its place in the run.</summary>
    public required string Path { get; init; }

    /// <summary>Its name for people.</summary>
    public required string Label { get; init; }

    /// <summary><c>running</c>, <c>retrying</c>, <c>completed</c>, <c>failed</c> or <c>skipped</c>.</summary>
    public string Status { get; set; } = "running";

    /// <summary>Timestamp of its first start.</summary>
    public required long StartedAt { get; init; }

    /// <summary>Null while it runs.</summary>
    public TimeSpan? Duration { get; set; }

    /// <summary>The attempt that runs, or the number of those made.</summary>
    public int Attempts { get; set; } = 1;

    /// <summary>Of all its calls; null: not known, or none.</summary>
    public long? Tokens { get; set; }

    /// <summary>Of all its calls; null: not known, or none.</summary>
    public decimal? CostUsd { get; set; }

    /// <summary>Why it failed, or is tried again.</summary>
    public string? Problem { get; set; }

    /// <summary>The text that its newest call has streamed.</summary>
    public string Text { get; set; } = "";

    /// <summary>Ordinal of that call.</summary>
    public int Call { get; set; }
}

/// <summary>The steps of a run as far as its events tell. Safe for use by several threads.</summary>
internal sealed class RunSteps(TimeProvider time)
{
    // What is shown of it is a line or two.
    private const int KeptText = 2_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, ShownStep> _steps = new(StringComparer.Ordinal);
    private readonly List<ShownStep> _inOrder = [];
    private readonly long _startedAt = time.GetTimestamp();

    /// <summary>Since the start of the run.</summary>
    public TimeSpan Elapsed => time.GetElapsedTime(_startedAt);

    /// <summary>Since the start of a step.</summary>
    public TimeSpan Since(ShownStep step) => time.GetElapsedTime(step.StartedAt);

    /// <summary>Lets <paramref name="read"/> look at the steps, in the order of their starts.</summary>
    public T Read<T>(Func<IReadOnlyList<ShownStep>, T> read)
    {
        lock (_lock)
        {
            return read(_inOrder);
        }
    }

    /// <summary>Takes an event in; the step that it is about, null when it is about the job.</summary>
    public ShownStep? Apply(JobEvent told)
    {
        if (!told.Type.StartsWith("step.", StringComparison.Ordinal))
        {
            return null;
        }

        using var document = JsonDocument.Parse(told.Data);
        var data = document.RootElement;
        lock (_lock)
        {
            var step = Step(data);
            switch (told.Type)
            {
                case "step.started":
                    step.Status = "running";
                    break;
                case "step.retrying":
                    step.Status = "retrying";
                    step.Attempts = data.GetProperty("attempt").GetInt32() + 1;
                    step.Problem = Message(data);
                    break;
                default:
                    End(step, told.Type["step.".Length..], data);
                    break;
            }

            return step;
        }
    }

    /// <summary>Takes streamed text in.</summary>
    public void Apply(LlmDelta delta)
    {
        lock (_lock)
        {
            if (_steps.TryGetValue(delta.StepPath, out var step))
            {
                var text = delta.Call == step.Call ? step.Text + delta.Text : delta.Text;
                step.Call = delta.Call;
                step.Text = text.Length > KeptText ? text[^KeptText..] : text;
                step.Status = "running";
            }
        }
    }

    /// <summary>Finished steps in the order of their starts.</summary>
    public IReadOnlyList<StepRun> InOrder(IEnumerable<StepRun> runs)
    {
        lock (_lock)
        {
            var places = _inOrder.Select((step, index) => (step.Path, index)).ToDictionary(pair => pair.Path, pair => pair.index, StringComparer.Ordinal);
            return [.. runs.OrderBy(run => places.GetValueOrDefault(run.StepPath, int.MaxValue))];
        }
    }

    private static string? Message(JsonElement data) => data.TryGetProperty("error", out var error) ? error.GetProperty("message").GetString() : null;

    private static void End(ShownStep step, string status, JsonElement data)
    {
        step.Status = status;
        step.Attempts = data.GetProperty("attempts").GetInt32();
        step.Duration = TimeSpan.FromMilliseconds(data.GetProperty("duration_ms").GetInt64());
        step.Problem = Message(data);
        step.Text = "";
        if (data.TryGetProperty("usage", out var usage))
        {
            step.Tokens = usage.GetProperty("total_tokens").GetInt64();
            step.CostUsd = usage.GetProperty("cost_usd") is { ValueKind: JsonValueKind.Number } cost ? cost.GetDecimal() : null;
        }
    }

    private ShownStep Step(JsonElement data)
    {
        var path = data.GetProperty("step_path").GetString()!;
        if (!_steps.TryGetValue(path, out var step))
        {
            _steps[path] = step = new() { Path = path, Label = data.GetProperty("display_name").GetString()!, StartedAt = time.GetTimestamp() };
            _inOrder.Add(step);
        }

        return step;
    }
}
