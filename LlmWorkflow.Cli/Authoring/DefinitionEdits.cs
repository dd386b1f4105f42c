using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using LlmWorkflow.Cli.Authoring.Text;
using LlmWorkflow.Engine.Definitions.Language;
using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Cli.Authoring;

/// <summary>Edits of a definition's text. Each gives the new text and leaves alone what it is not about.</summary>
internal static class DefinitionEdits
{
    private static readonly string[] Closing = ["steps", "output"];

    private static readonly string[] Nested = ["then", "else", "cases", "default", "branches", "steps"];

    /// <summary>Puts a step in.</summary>
    public static string Add(string text, JsonElement step, StepPosition position)
    {
        text = position.Ensure(new JsonSource(text), TreeOf(text));
        JsonSource source = new(text);
        var (list, index) = position.In(new StepTree(source.Root));
        return source.Insert(list.Span, index, JsonFragment.Of(step, expands: true));
    }

    /// <summary>Takes a step out, with all that is inside it.</summary>
    public static string Remove(string text, string step)
    {
        JsonSource source = new(text);
        return source.Remove(new StepTree(source.Root).Find(step).Span);
    }

    /// <summary>Puts a step elsewhere. An index counts without the step itself.</summary>
    public static string Move(string text, string step, StepPosition position)
    {
        text = position.Ensure(new JsonSource(text), TreeOf(text));
        JsonSource source = new(text);
        StepTree tree = new(source.Root);
        var moved = tree.Find(step);
        var (list, index) = position.In(tree);
        for (var at = list.Owner; at is not null; at = at.List.Owner)
        {
            if (at == moved)
            {
                throw new EditException($"'{step}' cannot go inside itself.");
            }
        }

        // A given index is that of the end; one beside another step, or the list's end, shifts when the step goes out before it.
        if (list.Span == moved.List.Span && position.Index is null && index > moved.Span.Index)
        {
            index--;
        }

        var fragment = source.Cut(moved.Span);
        var route = Without(list.Span.Route(), moved.Span.Route());
        JsonSource rest = new(source.Remove(moved.Span));
        var target = rest.Root.At(route);
        return index <= target.Children.Count ? rest.Insert(target, index, fragment) : throw new EditException($"'{list.Path}' ends before that index.");
    }

    /// <summary>Gives a step another id, in the expressions of the file too.</summary>
    public static string Rename(string text, string step, string id)
    {
        JsonSource source = new(text);
        StepTree tree = new(source.Root);
        var renamed = tree.Find(step);
        if (!Regex.IsMatch(id, Forms.StepId.Pattern))
        {
            throw new EditException($"'{id}' is no {Forms.StepId.Words}.");
        }

        if (id == renamed.Id)
        {
            return text;
        }

        if (tree.Steps.Any(other => other.Id == id))
        {
            throw new EditException($"There is a step '{id}' already.");
        }

        if (renamed.Span.Member("id") is not { Kind: JsonValueKind.String } own)
        {
            return Set(text, step, "id", JsonElement.Parse(JsonLayout.Text(id)), isId: true);
        }

        // From the end on, so that positions before stay right.
        foreach (var (span, value) in StepReferences.Find(source, renamed.Id, id).Append((own, id)).OrderByDescending(change => change.Item1.Start))
        {
            text = string.Concat(text.AsSpan(0, span.Start), JsonLayout.Text(value), text.AsSpan(span.End));
        }

        return text;
    }

    /// <summary>Gives a property a value.</summary>
    /// <param name="text">The definition.</param>
    /// <param name="step">A step; null: the workflow itself.</param>
    /// <param name="property">Its name; with dots, one inside objects and lists: <c>retry.max_attempts</c>, <c>cases.0.when</c>.</param>
    /// <param name="value">The value.</param>
    /// <param name="isId">Whether the id may be set.</param>
    public static string Set(string text, string? step, string property, JsonElement value, bool isId = false)
    {
        JsonSource source = new(text);
        var at = step is null ? source.Root : new StepTree(source.Root).Find(step).Span;
        if (step is not null && property == "id" && !isId)
        {
            throw new EditException($"An id is changed with: rename {step} NEW");
        }

        var parts = Parts(at, property);
        for (var i = 0; i < parts.Length; i++)
        {
            if (Child(at, parts[i], property) is { } known)
            {
                if (i == parts.Length - 1)
                {
                    return source.Replace(known, JsonFragment.Of(value));
                }

                at = known;
                continue;
            }

            // What is missing on the way is made.
            var made = parts.Skip(i + 1).Reverse().Aggregate(value, static (inner, name) => JsonElement.Parse($"{{{JsonLayout.Text(name)}:{JsonLayout.Inline(inner)}}}"));
            return source.Insert(at, IndexFor(at, parts[i], i == 0, step is null), JsonFragment.Of(made, name: at.Kind is JsonValueKind.Object ? parts[i] : null));
        }

        throw new EditException("A property has a name.");
    }

    /// <summary>Takes a property away.</summary>
    public static string Unset(string text, string? step, string property)
    {
        JsonSource source = new(text);
        var at = step is null ? source.Root : new StepTree(source.Root).Find(step).Span;
        if (step is not null && property is ("id" or "type"))
        {
            throw new EditException($"A step needs its {property}.");
        }

        foreach (var part in Parts(at, property))
        {
            at = Child(at, part, property)
                ?? throw new EditException($"There is no '{property}' here. {NearestNames.Suggest(property, [.. at.Children.Select(child => child.Name ?? "")])}".TrimEnd());
        }

        return source.Remove(at);
    }

    private static StepTree TreeOf(string text) => new(JsonSpan.Parse(text));

    private static string[] Parts(JsonSpan at, string property) => at.Member(property) is null ? property.Split('.') : [property];

    private static JsonSpan? Child(JsonSpan at, string part, string property)
    {
        switch (at.Kind)
        {
            case JsonValueKind.Object:
                return part.Length > 0 ? at.Member(part) : throw new EditException($"'{property}' has an empty part.");
            case JsonValueKind.Array when int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var index) && index <= at.Children.Count:
                return index < at.Children.Count ? at.Children[index] : null;
            case JsonValueKind.Array:
                throw new EditException(string.Create(CultureInfo.InvariantCulture, $"'{part}' in '{property}' must be an index from 0 to {at.Children.Count}."));
            default:
                throw new EditException($"'{part}' in '{property}': what it is in is no object and no list.");
        }
    }

    // Nested steps and the output stay last: a property behind pages of them would be overlooked.
    private static int IndexFor(JsonSpan at, string name, bool isFirst, bool isTop)
    {
        var last = isTop ? Closing : Nested;
        var before = isFirst && !last.Contains(name) ? at.Children.FirstOrDefault(child => child.Kind is JsonValueKind.Array or JsonValueKind.Object && last.Contains(child.Name)) : null;
        return before?.Index ?? at.Children.Count;
    }

    // Where a list is once a step is out: behind it in the same list, all moves up by one.
    private static List<int> Without(IReadOnlyList<int> route, IReadOnlyList<int> removed)
    {
        List<int> left = [.. route];
        var level = removed.Count - 1;
        if (left.Count > level && left.Take(level).SequenceEqual(removed.Take(level)) && left[level] > removed[level])
        {
            left[level]--;
        }

        return left;
    }
}
