using LlmWorkflow.Cli.Authoring;
using LlmWorkflow.Engine.Definitions;

namespace LlmWorkflow.Tests.Cli.Authoring;

/// <summary>A definition file of a test's own in a folder of its own.</summary>
internal sealed class TestDefinition : IDisposable
{
    /// <summary>Every kind of list, both ways of writing objects, and references of all forms.</summary>
    public const string Nested = """
        {
          "name": "order",
          "variables": { "limit": 5, "note": "Füße – 😀" },
          "steps": [
            { "id": "fetch", "type": "transform", "operation": "template", "template": "x" },
            {
              "id": "pick",
              "type": "conditional",
              "condition": "steps.fetch.output == 'x' && exists(steps['fetch'].status)",
              "then": [
                {
                  "id": "note",
                  "type": "transform",
                  "operation": "template",
                  "template": "got ${steps.fetch.output} and $${steps.fetch} é"
                }
              ],
              "else": []
            },
            {
              "id": "fan",
              "type": "parallel",
              "branches": {
                "left": [{ "id": "l", "type": "wait", "seconds": 1 }],
                "right": [
                  { "id": "r", "type": "wait", "seconds": "${ length(steps.fetch.output) }" }
                ]
              }
            },
            {
              "id": "each",
              "type": "foreach",
              "items": " ${[steps.fetch.output]}",
              "steps": [
                { "id": "inner", "type": "transform", "operation": "merge", "inputs": [{ "a": "${item}" }, {}] }
              ]
            }
          ],
          "output": { "a": "${steps.pick.output}", "b": "${steps.each.output}" }
        }

        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("edit-").FullName;

    public TestDefinition(string text = Nested)
    {
        Path = System.IO.Path.Combine(_folder, "order.json");
        File.WriteAllText(Path, text);
    }

    public string Path { get; }

    public string OnDisk => File.ReadAllText(Path);

    public static DefinitionSurroundings Surroundings { get; } = new() { Prompts = new Dictionary<string, string>() };

    public EditSession Open() => EditSession.Open(Path, "order.json", Surroundings, "order");

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
