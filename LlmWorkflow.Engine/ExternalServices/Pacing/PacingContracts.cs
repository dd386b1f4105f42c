using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.ExternalServices.Pacing;

/// <summary>What is paced together: a service limits each key.</summary>
/// <param name="Service">Service name.</param>
/// <param name="Credential">Fingerprint of the key; empty when there is none.</param>
internal sealed record BucketKey(string Service, string Credential);
