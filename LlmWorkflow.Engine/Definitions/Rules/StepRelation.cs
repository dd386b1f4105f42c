namespace LlmWorkflow.Engine.Definitions.Rules;

/// <summary>When a step runs, seen from a step that reads it.</summary>
internal enum StepOrder
{
    /// <summary>It has ended, if it runs at all.</summary>
    Before,

    /// <summary>It is the reading step.</summary>
    Itself,

    /// <summary>The reading step is inside it.</summary>
    Around,

    /// <summary>It is inside the reading step.</summary>
    Inside,

    /// <summary>It runs after the reading step.</summary>
    Later,

    /// <summary>It runs at the same time, in another branch of a <c>parallel</c>.</summary>
    Beside,

    /// <summary>It is in another branch of a <c>conditional</c>: never do both run.</summary>
    OtherBranch,

    /// <summary>It is inside a <c>foreach</c> that the reading step is not in: it ran once for each item.</summary>
    Repeated,
}

/// <summary>How a step that is read stands to the one that reads it.</summary>
/// <param name="Order">When it runs.</param>
/// <param name="Crossed">The step that is read and the steps around it up to the list that both are in, outermost first; filled for <see cref="StepOrder.Before"/>.</param>
internal readonly record struct StepRelation(StepOrder Order, IReadOnlyList<StepNode> Crossed)
{
    /// <summary>Why the step may not have run, as the end of a sentence; null when it always has.</summary>
    public string? MayBeSkipped
    {
        get
        {
            foreach (StepNode step in Crossed)
            {
                string which = step == Crossed[^1] ? "it" : $"'{step.Id}' around it";
                if (step.Definition?.When is not null)
                {
                    return $"{which} has a 'when'";
                }

                if (step != Crossed[^1] && step.Definition is ConditionalStepDefinition)
                {
                    return $"it is in a branch of '{step.Id}'";
                }

                if (step != Crossed[^1] && step.Definition?.OnError == OnError.Continue)
                {
                    return $"'{step.Id}' around it may fail and go on";
                }
            }

            return null;
        }
    }

    /// <summary>The relation between two steps.</summary>
    /// <param name="reader">Null: the workflow's output, which is read when all steps have ended.</param>
    /// <param name="read">The step that is read.</param>
    public static StepRelation Of(StepNode? reader, StepNode read)
    {
        List<StepNode> readers = [.. reader?.SelfAndOwners().Reverse() ?? []];
        List<StepNode> path = [.. read.SelfAndOwners().Reverse()];
        int common = 0;
        while (common < readers.Count && common < path.Count && readers[common] == path[common])
        {
            common++;
        }

        if (common == path.Count)
        {
            return new StepRelation(reader == read ? StepOrder.Itself : StepOrder.Around, []);
        }

        if (reader is not null && common == readers.Count)
        {
            return new StepRelation(StepOrder.Inside, []);
        }

        if (reader is not null && readers[common].List != path[common].List)
        {
            return new StepRelation(readers[common].List.Owner?.Definition is ParallelStepDefinition ? StepOrder.Beside : StepOrder.OtherBranch, []);
        }

        if (reader is not null && readers[common].Index < path[common].Index)
        {
            return new StepRelation(StepOrder.Later, []);
        }

        List<StepNode> crossed = path[common..];
        return new StepRelation(crossed[..^1].Any(step => step.Definition is ForeachStepDefinition) ? StepOrder.Repeated : StepOrder.Before, crossed);
    }
}
