using System.CommandLine;

namespace LlmWorkflow.Cli;

/// <summary>A command with examples, which its help shows.</summary>
/// <param name="name">As typed.</param>
/// <param name="description">One or two sentences.</param>
/// <param name="examples">Whole command lines.</param>
internal sealed class CliCommand(string name, string description, params IReadOnlyList<string> examples) : Command(name, description)
{
    /// <summary>Whole command lines.</summary>
    public IReadOnlyList<string> Examples { get; } = examples;
}
