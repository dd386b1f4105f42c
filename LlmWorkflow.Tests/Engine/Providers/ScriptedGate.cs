using LlmWorkflow.Engine.Providers.Gate;

namespace LlmWorkflow.Tests.Engine.Providers;

/// <summary>Gives the answers it is told to, then passes; keeps what it is told.</summary>
internal sealed class ScriptedGate : IProviderGate
{
    public Queue<GateAnswer> Answers { get; } = new();

    public List<GateAsk> Asks { get; } = [];

    public List<GateReport> Reports { get; } = [];

    public Task<GateAnswer> EnterAsync(GateKey key, GateAsk ask, CancellationToken cancellationToken)
    {
        lock (Asks)
        {
            Asks.Add(ask);
            return Task.FromResult(Answers.TryDequeue(out var answer) ? answer : new GateAnswer(new GatePass(key, Guid.NewGuid()), null, null));
        }
    }

    public Task HearAsync(GatePass pass, IReadOnlyList<RateLimitWindow> windows) => Task.CompletedTask;

    public Task LeaveAsync(GatePass pass, GateReport report)
    {
        lock (Asks)
        {
            Reports.Add(report);
        }

        return Task.CompletedTask;
    }
}
