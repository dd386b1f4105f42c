using System.Globalization;
using System.Text.Json;
using LlmWorkflow.Cli.Authoring.Text;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Cli.Authoring;

/// <summary>A list of steps as it stands in the file.</summary>
/// <param name="Owner">The step that it is inside of; null for the workflow's own.</param>
/// <param name="Label">Its name in <paramref name="Owner"/>: <c>then</c>, <c>cases/0</c>, a branch, <c>steps</c>.</param>
/// <param name="Span">Where it stands.</param>
internal sealed record EditedList(EditedStep? Owner, string Label, JsonSpan Span)
{
    /// <summary>How commands name it: <c>steps</c> for the workflow's own, else <c>ID/LABEL</c>.</summary>
    public string Path => Owner is null ? Label : $"{Owner.Name}/{Label}";

    /// <summary>In the order of the file.</summary>
    public List<EditedStep> Steps { get; } = [];
}

/// <summary>A step as it stands in the file.</summary>
/// <param name="Id">Its id; empty when it has none.</param>
/// <param name="Type">Its type; empty when it has none.</param>
/// <param name="Span">Where it stands.</param>
/// <param name="List">The list that it is in.</param>
internal sealed record EditedStep(string Id, string Type, JsonSpan Span, EditedList List)
{
    /// <summary>Its id, or its place when it has none: <c>steps/2</c>.</summary>
    public string Name => Id.Length > 0 ? Id : Place;

    /// <summary>Its place: list and index.</summary>
    public string Place => string.Create(CultureInfo.InvariantCulture, $"{List.Path}/{Span.Index}");

    /// <summary>The steps on the way to it and itself: <c>pick/then/notify</c>.</summary>
    public string Path => List.Owner is { } owner ? $"{owner.Path}/{List.Label}/{Name}" : Name;

    /// <summary>Steps around it.</summary>
    public int Depth => List.Owner is { } owner ? owner.Depth + 1 : 0;

    /// <summary>The lists inside it, in the order of the file.</summary>
    public List<EditedList> Lists { get; } = [];
}

/// <summary>The steps of a definition, whether or not it is valid.</summary>
internal sealed class StepTree
{
    /// <summary>Finds the steps of a text.</summary>
    public StepTree(JsonSpan root)
    {
        if (root.Member("steps") is { Kind: JsonValueKind.Array } steps)
        {
            Read(new EditedList(null, "steps", steps));
        }
    }

    /// <summary>All steps, nested ones behind those they are in.</summary>
    public List<EditedStep> Steps { get; } = [];

    /// <summary>All lists; the workflow's own, if it has one, first.</summary>
    public List<EditedList> Lists { get; } = [];

    /// <summary>The step of that id, path or place.</summary>
    /// <exception cref="EditException">There is none, or there are several.</exception>
    public EditedStep Find(string name)
    {
        List<EditedStep> found = [.. Steps.Where(step => step.Id == name)];
        found = found.Count > 0 ? found : [.. Steps.Where(step => step.Path == name)];
        found = found.Count > 0 ? found : [.. Steps.Where(step => step.Place == name)];
        return found switch
        {
            [var one] => one,
            [] => throw new EditException($"There is no step '{name}'. {NearestNames.Suggest(name, [.. Steps.Select(step => step.Name)])}".TrimEnd()),
            _ => throw new EditException($"There are {found.Count} steps '{name}'; name one by its place: {string.Join(", ", found.Select(step => step.Place))}."),
        };
    }

    private void Read(EditedList list)
    {
        Lists.Add(list);
        foreach (var item in list.Span.Children.Where(item => item.Kind is JsonValueKind.Object))
        {
            EditedStep step = new(item.Member("id")?.String ?? "", item.Member("type")?.String ?? "", item, list);
            list.Steps.Add(step);
            Steps.Add(step);
            foreach (var (label, span) in InnerLists(step))
            {
                EditedList inner = new(step, label, span);
                step.Lists.Add(inner);
                Read(inner);
            }
        }
    }

    private static IEnumerable<(string Label, JsonSpan Span)> InnerLists(EditedStep step) => step.Span.Children.SelectMany(member => (step.Type, member.Name) switch
    {
        ("conditional", "then" or "else" or "default") or ("foreach", "steps") => [(member.Name, member)],
        ("conditional", "cases") => member.Children.Where(_ => member.Kind is JsonValueKind.Array).Select(one => (string.Create(CultureInfo.InvariantCulture, $"cases/{one.Index}"), one.Member("steps"))),
        ("parallel", "branches") => member.Children.Where(_ => member.Kind is JsonValueKind.Object).Select(one => (one.Name!, (JsonSpan?)one)),
        _ => Enumerable.Empty<(string, JsonSpan?)>(),
    }).Where(list => list.Item2 is { Kind: JsonValueKind.Array }).Select(list => (list.Item1!, list.Item2!));
}
