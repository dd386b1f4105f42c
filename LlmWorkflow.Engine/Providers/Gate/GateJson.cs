using System.Text.Json.Serialization;

namespace LlmWorkflow.Engine.Providers.Gate;

/// <summary>How gates are written in Redis.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault, UseStringEnumConverter = true)]
[JsonSerializable(typeof(GateState))]
[JsonSerializable(typeof(BreakerState))]
internal sealed partial class GateJson : JsonSerializerContext;
