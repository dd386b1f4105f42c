using System.Text.Json;
using LlmWorkflow.Engine.Definitions.Language;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>A step as it stands in the file: what rules look at, whether or not it could be read as a whole.</summary>
internal sealed class StepNode(string id, JsonElement json, ObjectShape? shape, JsonPlace place, StepList list)
{
    /// <summary>Its id; empty when it has none.</summary>
    public string Id { get; } = id;

    /// <summary>As written.</summary>
    public JsonElement Json { get; } = json;

    /// <summary>Null when its type, or its transform's operation, is missing or not known.</summary>
    public ObjectShape? Shape { get; } = shape;

    /// <summary>Where it stands.</summary>
    public JsonPlace Place { get; } = place;

    /// <summary>The list that it is in.</summary>
    public StepList List { get; } = list;

    /// <summary>Its index in <see cref="List"/>.</summary>
    public int Index { get; } = list.Steps.Count;

    /// <summary>The lists of steps inside it, in the order of the file.</summary>
    public List<StepList> Lists { get; } = [];

    /// <summary>The step; null when <see cref="Shape"/> is.</summary>
    public StepDefinition? Definition { get; set; }

    /// <summary>It and the steps around it, innermost first.</summary>
    public IEnumerable<StepNode> SelfAndOwners()
    {
        for (StepNode? at = this; at is not null; at = at.List.Owner)
        {
            yield return at;
        }
    }
}

/// <summary>A list of steps as it stands in the file.</summary>
/// <param name="owner">The step that it is inside of; null for the workflow's own.</param>
/// <param name="place">Where it stands.</param>
internal sealed class StepList(StepNode? owner, JsonPlace place)
{
    /// <summary>The step that it is inside of; null for the workflow's own.</summary>
    public StepNode? Owner { get; } = owner;

    /// <summary>Where it stands.</summary>
    public JsonPlace Place { get; } = place;

    /// <summary>JSON pointer relative to <see cref="Owner"/>: <c>/then</c>, <c>/branches/left</c>.</summary>
    public string Pointer => Owner is null ? Place.Pointer : Place.Pointer[Owner.Place.Pointer.Length..];

    /// <summary>The items that are objects.</summary>
    public List<StepNode> Steps { get; } = [];
}

/// <summary>A string of a definition that something must be done with.</summary>
/// <param name="Place">Where it stands.</param>
/// <param name="Text">Its value.</param>
/// <param name="Use">What it is for.</param>
/// <param name="Step">The step that it belongs to; null at the top level.</param>
internal sealed record UsedText(JsonPlace Place, string Text, TextUse Use, StepNode? Step);

/// <summary>A JSON Schema inside a definition.</summary>
/// <param name="Place">Where it stands.</param>
/// <param name="Schema">An object.</param>
/// <param name="Code">Code of the issues in it.</param>
internal sealed record UsedSchema(JsonPlace Place, JsonElement Schema, string Code);

/// <summary>A file as <see cref="ShapeCheck"/> found it: its steps, and the texts that rules look at.</summary>
internal sealed class DefinitionOutline
{
    /// <summary>The workflow's own list.</summary>
    public StepList Steps { get; set; } = new(null, JsonPlace.Root.Member("steps"));

    /// <summary>Every step, nested ones included, in the order of the file.</summary>
    public List<StepNode> AllSteps { get; } = [];

    /// <summary>In the order of the file.</summary>
    public List<UsedText> Texts { get; } = [];

    /// <summary>In the order of the file.</summary>
    public List<UsedSchema> Schemas { get; } = [];

    /// <summary>Whether there are more steps, or deeper ones, than may be: the outline then ends there.</summary>
    public bool IsCut { get; set; }
}
