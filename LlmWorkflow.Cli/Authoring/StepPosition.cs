using System.Globalization;
using System.Text.Json;
using LlmWorkflow.Cli.Authoring.Text;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Cli.Authoring;

/// <summary>Where a step is put.</summary>
/// <param name="Anchor">The step that it is put beside; null: <paramref name="List"/> counts.</param>
/// <param name="IsAfter">Behind <paramref name="Anchor"/> rather than before it.</param>
/// <param name="List">Path of a list; null: the workflow's own.</param>
/// <param name="Index">Its index in the list from 0; null: the end.</param>
internal sealed record StepPosition(string? Anchor, bool IsAfter, string? List, int? Index)
{
    /// <summary>At the end of the workflow.</summary>
    public static StepPosition End { get; } = new(null, false, null, null);

    /// <summary>Before a step.</summary>
    public static StepPosition Before(string step) => new(step, false, null, null);

    /// <summary>Behind a step.</summary>
    public static StepPosition After(string step) => new(step, true, null, null);

    /// <summary>In a list: <c>steps</c>, <c>pick/then</c>, <c>pick/cases/0</c>, <c>fan/left</c>, <c>each/steps</c>, or just the id of a step with one list.</summary>
    public static StepPosition In(string? list, int? index = null) => new(null, false, list, index);

    /// <summary>The list and the index that is meant.</summary>
    /// <exception cref="EditException">There is no such place.</exception>
    public (EditedList List, int Index) In(StepTree tree)
    {
        if (Anchor is not null)
        {
            var anchor = tree.Find(Anchor);
            return (anchor.List, anchor.Span.Index + (IsAfter ? 1 : 0));
        }

        var list = Find(tree, List ?? "steps") ?? throw Unknown(tree);
        var index = Index ?? list.Span.Children.Count;
        return index >= 0 && index <= list.Span.Children.Count
            ? (list, index)
            : throw new EditException(string.Create(CultureInfo.InvariantCulture, $"'{list.Path}' has {list.Span.Children.Count} steps: the index goes from 0 to {list.Span.Children.Count}."));
    }

    /// <summary>The text with the list in it: one that its step may have and has not yet is added, empty.</summary>
    public string Ensure(JsonSource source, StepTree tree)
    {
        if (Anchor is not null || Find(tree, List ?? "steps") is not null)
        {
            return source.Text;
        }

        var empty = JsonElement.Parse("[]");
        if (List is null or "steps")
        {
            return source.Root.Member("steps") is null
                ? source.Insert(source.Root, source.Root.Children.Count, JsonFragment.Of(empty, name: "steps"))
                : throw new EditException("'steps' is no list.");
        }

        var (owner, label) = Owner(tree, List) ?? throw Unknown(tree);
        var container = (owner.Type, label) switch
        {
            ("conditional", "then" or "else") when owner.Span.Member("cases") is null => owner.Span,
            ("conditional", "default") when owner.Span.Member("cases") is not null => owner.Span,
            ("foreach", "steps") => owner.Span,
            ("parallel", _) => owner.Span.Member("branches") is { Kind: JsonValueKind.Object } branches ? branches : null,
            _ => null,
        };
        return container is not null && container.Member(label) is null
            ? source.Insert(container, container.Children.Count, JsonFragment.Of(empty, name: label))
            : throw Unknown(tree);
    }

    private static EditedList? Find(StepTree tree, string path)
    {
        if (tree.Lists.FirstOrDefault(list => list.Path == path) is { } exact)
        {
            return exact;
        }

        if (Owner(tree, path) is var (owner, label) && owner.Lists.FirstOrDefault(list => list.Label == label) is { } inner)
        {
            return inner;
        }

        return tree.Steps.FirstOrDefault(step => step.Id == path) is { Lists: [var only] } ? only : null;
    }

    // The step may be named by its id or its whole path: the longest step that the path starts with.
    private static (EditedStep Owner, string Label)? Owner(StepTree tree, string path) => tree.Steps
        .SelectMany(step => new[] { (Step: step, Name: step.Path), (Step: step, step.Name) })
        .Where(named => path.Length > named.Name.Length + 1 && path.StartsWith(named.Name + "/", StringComparison.Ordinal))
        .OrderByDescending(named => named.Name.Length)
        .Select(named => ((EditedStep, string)?)(named.Step, path[(named.Name.Length + 1)..]))
        .FirstOrDefault();

    private EditException Unknown(StepTree tree) =>
        new($"There is no list '{List}'. {NearestNames.Suggest(List ?? "steps", [.. tree.Lists.Select(list => list.Path)])}".TrimEnd() + $" Lists: {string.Join(", ", tree.Lists.Select(list => list.Path))}.");
}
