using LlmWorkflow.Engine;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Jobs;
using LlmWorkflow.Engine.Providers;
using LlmWorkflow.Engine.Providers.Gate;
using LlmWorkflow.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace LlmWorkflow.Tests.Engine.Providers;

/// <summary>The caller as the engine wires it, against a scripted upstream and a ledger in memory.</summary>
internal sealed class LlmFixture : IAsyncDisposable
{
    public const string Key = "sk-or-v1-0123456789abcdef0123456789abcdef";
    public const string Model = "anthropic/claude-haiku-4.5";

    public const string UsageChunk =
        """{"id":"gen-1","provider":"Anthropic","model":"anthropic/claude-haiku-4.5-20251001","choices":[],"usage":{"prompt_tokens":120,"completion_tokens":30,"total_tokens":150,"cost":0.000270,"is_byok":false,"cost_details":{"upstream_inference_cost":null},"prompt_tokens_details":{"cached_tokens":100,"cache_write_tokens":7},"completion_tokens_details":{"reasoning_tokens":9}}}""";

    public const string StopChunk = """{"id":"gen-1","model":"anthropic/claude-haiku-4.5-20251001","choices":[{"delta":{"content":""},"finish_reason":"stop"}]}""";

    private static readonly PriceBook Prices = PriceBookReader.Parse(
        """{"unit":"usd_per_million_tokens","default_max_tokens":4096,"models":{"anthropic/claude-haiku-4.5":{"prices":[{"input":1,"output":5}]}}}""");

    private readonly ServiceProvider _services;

    private LlmFixture(FakeUpstream upstream, Action<EngineOptions>? configure, ICallLedger? ledger, TimeProvider? time)
    {
        Upstream = upstream;
        Ledger = new RecordingLedger(ledger ?? new InMemoryCallLedger(TimeProvider.System));
        Options = new EngineOptions { OpenRouterApiKey = Key, OpenRouterBaseUrl = new Uri(upstream.Url, "/api/v1") };
        configure?.Invoke(Options);
        _services = new ServiceCollection()
            .AddSingleton(Options)
            .AddSingleton(time ?? TimeProvider.System)
            .AddSingleton<ICallLedger>(Ledger)
            .AddSingleton<Func<PriceBook>>(() => Prices)
            .AddSingleton<Func<SpendLimits>>(() => SpendLimits.None)
            .AddSingleton<IProviderGate>(Gate)
            .AddProviders()
            .BuildServiceProvider();
    }

    public FakeUpstream Upstream { get; }

    public EngineOptions Options { get; }

    public RecordingLedger Ledger { get; }

    public ScriptedGate Gate { get; } = new();

    public JobIdentity Job { get; } = new() { JobId = Guid.CreateVersion7(TimeProvider.System.GetUtcNow()), WorkflowName = "w", DefinitionHash = "h" };

    public List<(int Call, string Text)> Deltas { get; } = [];

    public LlmCaller Caller => _services.GetRequiredService<LlmCaller>();

    public static async Task<LlmFixture> StartAsync(
        Func<Microsoft.AspNetCore.Http.HttpContext, Task> script, Action<EngineOptions>? configure = null, ICallLedger? ledger = null, TimeProvider? time = null) =>
        new(await FakeUpstream.StartAsync(script), configure, ledger, time);

    public static string Chunk(string text) =>
        $$"""{"id":"gen-1","provider":"Anthropic","model":"anthropic/claude-haiku-4.5-20251001","choices":[{"delta":{"role":"assistant","content":"{{text}}"},"finish_reason":null}]}""";

    public async Task<LlmRequest> RequestAsync(string prompt = "Say hello to the world.", bool stream = true, string model = Model) => new()
    {
        Prompt = new LlmPrompt
        {
            Provider = "openrouter",
            Model = model,
            Messages = [new LlmMessage("system", "Be brief."), new LlmMessage("user", prompt)],
            Temperature = 0.7,
            TopP = 0.9,
            MaxTokens = 200,
            Stop = ["END"],
            Seed = 42,
        },
        Job = Job,
        Fence = new Fence(Job.JobId, Guid.Empty, 1),
        StepPath = "analyse",
        EarlierCalls = await Ledger.ReadAsync(Job.JobId, CancellationToken.None),
        Stream = stream,
        OnDelta = (call, text) => Deltas.Add((call, text)),
    };

    public async Task<LlmOutcome> CallAsync(bool stream = true, CancellationToken cancellationToken = default) =>
        await Caller.CallAsync(await RequestAsync(stream: stream), cancellationToken);

    public async Task<LedgerCall> OnlyCallAsync() => Assert.Single(await Ledger.ReadAsync(Job.JobId, CancellationToken.None));

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        await Upstream.DisposeAsync();
    }
}

/// <summary>Keeps what was written; the rules are those of the ledger inside.</summary>
internal sealed class RecordingLedger(ICallLedger inner) : ICallLedger
{
    public List<CallReservation> Reservations { get; } = [];

    public List<CallSettlement> Settlements { get; } = [];

    public bool Refuse { get; set; }

    public async Task<ReserveResult> ReserveAsync(CallReservation reservation, CancellationToken cancellationToken)
    {
        Reservations.Add(reservation);
        return Refuse ? new(ReserveOutcome.Lost) : await inner.ReserveAsync(reservation, cancellationToken);
    }

    public Task NoteAsync(Guid callId, string responseId) => inner.NoteAsync(callId, responseId);

    public Task<(System.Text.Json.JsonElement Reply, bool IsBeingAnswered)> FindReplyAsync(ReplyQuestion question, CancellationToken cancellationToken) =>
        inner.FindReplyAsync(question, cancellationToken);

    public Task<IReadOnlyList<BudgetState>> SettleAsync(CallSettlement settlement)
    {
        Settlements.Add(settlement);
        return inner.SettleAsync(settlement);
    }

    public Task<IReadOnlyList<LedgerCall>> ReadAsync(Guid jobId, CancellationToken cancellationToken) => inner.ReadAsync(jobId, cancellationToken);

    public Task MarkPossiblyBilledAsync(Fence fence, CancellationToken cancellationToken) => inner.MarkPossiblyBilledAsync(fence, cancellationToken);
}
