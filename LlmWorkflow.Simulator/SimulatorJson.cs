using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using LlmWorkflow.Simulator.Control;
using LlmWorkflow.Simulator.Ledger;
using LlmWorkflow.Simulator.OpenRouter;
using LlmWorkflow.Simulator.Webhooks;

namespace LlmWorkflow.Simulator;

/// <summary>Everything the simulator writes, in snake_case; upstreams with other names (Places) write through <see cref="JsonObject"/>.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(HealthView))]
[JsonSerializable(typeof(JsonObject))]
[JsonSerializable(typeof(Behavior[]))]
[JsonSerializable(typeof(ControlProblem))]
[JsonSerializable(typeof(LedgerView))]
[JsonSerializable(typeof(InboxView))]
[JsonSerializable(typeof(InboxSettings))]
[JsonSerializable(typeof(HoldView))]
[JsonSerializable(typeof(HoldPoint))]
[JsonSerializable(typeof(ReleaseView))]
[JsonSerializable(typeof(LedgerWindows))]
[JsonSerializable(typeof(GenerationReply))]
internal sealed partial class SimulatorJson : JsonSerializerContext
{
    /// <summary>Upstreams send apostrophes and non-ASCII text as they are, so this does too.</summary>
    public static SimulatorJson Wire { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    /// <summary>For what callers of the control API send: an unknown field is an error.</summary>
    public static SimulatorJson Strict { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    });
}
