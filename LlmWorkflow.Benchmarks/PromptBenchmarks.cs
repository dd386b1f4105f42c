using System.Text.Json;
using BenchmarkDotNet.Attributes;
using LlmWorkflow.Engine.Expressions;
using LlmWorkflow.Engine.Prompts;

namespace LlmWorkflow.Benchmarks;

/// <summary>Rendering a prompt of a usual kind: an include, variables, a condition, a loop over 20 places, an expression.</summary>
[MemoryDiagnoser]
public class PromptBenchmarks
{
    private readonly ExpressionScope _scope = SampleScope.Create();

    private readonly Dictionary<string, string> _prompts = new()
    {
        ["shared/tone.md"] = "Write plainly. Use short sentences. Name no source that you were not given.\n",
        ["contacts.md"] = """
            {{include:shared/tone.md}}
            # Contacts for {{town}}

            {{#if scenarios}}Prepare for:
            {{#each scenarios}}- {{this}}
            {{/each}}{{/if}}
            {{#each places}}
            - **{{displayName.text}}**, {{formattedAddress}}, {{nationalPhoneNumber}}
            {{/each}}

            The family has ${input.family_size} members in ${input.state}.
            """,
    };

    private readonly Dictionary<string, JsonElement> _variables;

    public PromptBenchmarks() => _variables = new()
    {
        ["town"] = _scope.Input.GetProperty("city"),
        ["scenarios"] = _scope.Input.GetProperty("scenarios"),
        ["places"] = _scope.Steps["fetch"].Output.GetProperty("data").GetProperty("places"),
    };

    [Benchmark]
    public string RenderPrompt() => PromptRenderer.RenderFile("contacts.md", _prompts, _variables, _scope);

    [Benchmark]
    public string RenderShortText() => PromptRenderer.RenderText("Write about {{town}} for ${input.family_size} people.", _prompts, _variables, _scope);
}
