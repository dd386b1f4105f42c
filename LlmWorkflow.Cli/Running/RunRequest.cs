using System.Text.Json;

namespace LlmWorkflow.Cli.Running;

/// <summary>What <c>llmflow run</c> is asked to do, besides the workflow and its input.</summary>
internal sealed record RunRequest
{
    /// <summary><c>--user-id</c>.</summary>
    public Guid? UserId { get; init; }

    /// <summary><c>--username</c>.</summary>
    public string? Username { get; init; }

    /// <summary><c>--action</c>.</summary>
    public string? Action { get; init; }

    /// <summary><c>--debug</c>: keeps prompts and replies with the steps, and shows warnings of the engine.</summary>
    public bool Debug { get; init; }

    /// <summary><c>--json</c>: one object instead of the output alone.</summary>
    public bool Json { get; init; }

    /// <summary><c>--skip-waits</c>.</summary>
    public bool SkipWaits { get; init; }

    /// <summary><c>--signal</c>: answers by the signal's name.</summary>
    public required IReadOnlyDictionary<string, JsonElement> Signals { get; init; }

    /// <summary><c>--record</c>.</summary>
    public string? Record { get; init; }

    /// <summary><c>--replay</c>.</summary>
    public string? Replay { get; init; }
}
