using System.Globalization;
using LlmWorkflow.Client.Contracts;

namespace LlmWorkflow.AppHost;

/// <summary>Prints a job's events as they come; streamed text as a running count, because the text may be long and the result follows.</summary>
internal sealed class DemoProgress(TimeProvider time)
{
    private const string Dim = "\e[2m";
    private const string Plain = "\e[0m";
    private readonly bool _terminal = !Console.IsOutputRedirected;
    private int _streamed;
    private bool _counting;

    public void Print(JobEvent told)
    {
        switch (told.Type)
        {
            case "llm.delta":
                Count(_streamed + (told.Text?.Length ?? 0));
                break;
            case "llm.snapshot":
                Count(told.Text?.Length ?? 0);
                break;
            case "llm.reset":
                _streamed = 0;
                break;
            default:
                EndCount();
                var duration = told.DurationMs is { } milliseconds ? $"  {milliseconds} ms" : "";
                var error = told.Error is { } failure ? $"  {failure.Message}" : "";
                Console.WriteLine($"  {time.GetLocalNow():HH:mm:ss.fff}  {told.Type,-16} {told.DisplayName ?? told.StepId}{duration}{error}");
                break;
        }
    }

    private void Count(int characters)
    {
        _streamed = characters;
        if (_terminal)
        {
            _counting = true;
            Console.Write(string.Create(CultureInfo.InvariantCulture, $"\r  {Dim}{_streamed} characters streamed{Plain}"));
        }
    }

    private void EndCount()
    {
        if (_counting)
        {
            Console.WriteLine();
        }
        else if (_streamed > 0)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {_streamed} characters streamed"));
        }

        _counting = false;
        _streamed = 0;
    }
}
