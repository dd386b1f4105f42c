using System.Globalization;
using System.Text.Json;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Benchmarks;

/// <summary>What a step's expressions see in the middle of a usual workflow: a small input, and an answer with 20 places (8 KB).</summary>
internal static class SampleScope
{
    public static ExpressionScope Create()
    {
        var places = string.Join(',', Enumerable.Range(0, 20).Select(i => string.Create(
            CultureInfo.InvariantCulture,
            $$$"""{"id":"place-{{{i}}}","displayName":{"text":"Central Hospital {{{i}}}","languageCode":"en"},"formattedAddress":"{{{i}}} Main Street, Austin, TX 78701, USA","location":{"latitude":30.2{{{i}}},"longitude":-97.7{{{i}}}},"types":["hospital","health","point_of_interest","establishment"],"rating":4.{{{i % 10}}},"nationalPhoneNumber":"(512) 555-01{{{i:D2}}}"}""")));
        return new()
        {
            Input = JsonElement.Parse("""{"city":"  Round Rock ","state":"TX","lat":30.2672,"lng":-97.7431,"scenarios":["flood","fire"],"family_size":4}"""),
            Context = new Dictionary<string, JsonElement> { ["job_id"] = JsonElement.Parse("\"0192f0c1-2b7a-7c3e-9f44-5d2b8a1e6f00\"") },
            Steps = new Dictionary<string, StepValue>
            {
                ["fetch"] = new() { Status = "completed", Output = JsonElement.Parse($$"""{"data":{"places":[{{places}}]},"status_code":200,"cached":false}"""), DurationMs = 214 },
            },
        };
    }
}
