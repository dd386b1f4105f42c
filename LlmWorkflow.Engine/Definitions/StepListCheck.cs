using System.Text.Json;
using LlmWorkflow.Engine.Definitions.Language;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;
using LlmWorkflow.Engine.Transforms;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>The part of <see cref="ShapeCheck"/> for lists of steps: each step is compared with the shape of its type, and noted in the outline.</summary>
internal sealed class StepListCheck(ShapeCheck shapes, DefinitionOutline outline, DefinitionIssues issues)
{
    private readonly HashSet<string> _ids = new(StringComparer.Ordinal);
    private int _depth;

    /// <summary>Checks a list and all that is inside it.</summary>
    public void Check(JsonElement value, StepsShape shape, JsonPlace place, StepNode? owner)
    {
        StepList list = new(owner, place);
        if (owner is null)
        {
            outline.Steps = list;
        }
        else
        {
            owner.Lists.Add(list);
        }

        int count = value.GetArrayLength();
        if (count < shape.Least)
        {
            issues.Error(IssueCodes.OutOfRange, place, $"{place.Label} must have at least one step.");
        }
        else if (outline.AllSteps.Count + count > WorkflowShapes.MaxSteps)
        {
            Cut(place, $"A workflow has at most {WorkflowShapes.MaxSteps} steps, nested ones included.");
        }
        else if (_depth > WorkflowShapes.MaxNesting)
        {
            Cut(place, $"Steps may be nested {WorkflowShapes.MaxNesting} deep.");
        }
        else
        {
            Items(value, list);
        }
    }

    /// <summary>Notes that a transform names no operation that exists.</summary>
    public void UnknownOperation(JsonElement value, string? name, JsonPlace place)
    {
        if (name is { Length: > 0 })
        {
            issues.Error(
                IssueCodes.UnknownOperation, place.Member("operation"), $"There is no transform '{Shortened.Name(name)}'.", NearestNames.Suggest(name, TransformCatalog.Names));
        }
        else if (!value.TryGetProperty("operation", out JsonElement given))
        {
            issues.Error(IssueCodes.MissingProperty, place, "'operation' is missing.", $"Add \"operation\": {string.Join(", ", TransformCatalog.Names.Order(StringComparer.Ordinal))}.");
        }
        else
        {
            shapes.Check(given, Forms.Filled(), place.Member("operation"), null);
        }
    }

    private void Items(JsonElement value, StepList list)
    {
        _depth++;
        int index = 0;
        foreach (JsonElement item in value.EnumerateArray())
        {
            JsonPlace place = list.Place.Item(index++);
            if (item.ValueKind == JsonValueKind.Object)
            {
                Step(item, place, list);
            }
            else
            {
                issues.Error(IssueCodes.WrongType, place, $"A step must be an object, not {item.KindName()}.");
            }
        }

        _depth--;
    }

    private void Step(JsonElement json, JsonPlace place, StepList list)
    {
        StepNode node = new(StepShapes.Text(json, "id") ?? "", json, StepShapes.Find(json), place, list);
        list.Steps.Add(node);
        outline.AllSteps.Add(node);
        shapes.Object(json, node.Shape ?? StepShapes.Unknown, place, node);
        if (node.Shape is null && StepShapes.Text(json, "type") is { Length: > 0 } type)
        {
            if (type == "transform")
            {
                UnknownOperation(json, StepShapes.Text(json, "operation"), place);
            }
            else
            {
                issues.Error(IssueCodes.UnknownStepType, place.Member("type"), $"There is no step type '{Shortened.Name(type)}'.", NearestNames.Suggest(type, StepShapes.Types));
            }
        }

        if (node.Id.Length > 0 && !_ids.Add(node.Id))
        {
            issues.Error(IssueCodes.DuplicateStepId, place.Member("id"), $"The id '{Shortened.Name(node.Id)}' is taken by an earlier step.", "Give each step an id of its own.");
        }
    }

    private void Cut(JsonPlace place, string message)
    {
        if (!outline.IsCut)
        {
            issues.Error(IssueCodes.OutOfRange, place, message);
        }

        outline.IsCut = true;
    }
}
