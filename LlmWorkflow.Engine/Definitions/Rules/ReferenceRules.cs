using LlmWorkflow.Engine.Definitions.Language;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.Definitions.Rules;

/// <summary>Checks what expressions read: whether the steps and names exist by then.</summary>
internal sealed class ReferenceRules
{
    private static readonly string[] s_context = ["job_id", "workflow_name", "user_id", "username", "action", "attempt", "now"];

    private static readonly string[] s_roots = ["input", "steps", "context"];

    private readonly DefinitionOutline _outline;
    private readonly DefinitionIssues _issues;
    private readonly IReadOnlyList<string> _context;
    private readonly IReadOnlyList<string>? _input;
    private readonly Dictionary<string, StepNode> _steps = new(StringComparer.Ordinal);
    private readonly HashSet<string> _unreadableIds;
    private readonly HashSet<StepNode> _used = [];

    public ReferenceRules(DefinitionOutline outline, WorkflowDefinition definition, DefinitionIssues issues)
    {
        _outline = outline;
        _issues = issues;
        _context = [.. s_context, .. definition.Variables.Keys];
        _input = SchemaMembers.Closed(definition.InputSchema);
        foreach (StepNode step in outline.AllSteps.Where(step => step.Id.Length > 0))
        {
            _steps.TryAdd(step.Id, step);
        }

        _unreadableIds = [.. outline.AllSteps.Where(step => step.Shape is null).SelectMany(step => SchemaMembers.Ids(step.Json))];
    }

    /// <summary>Whether something reads the step, or a step inside it from outside.</summary>
    public bool IsUsed(StepNode step) => _used.Contains(step);

    /// <summary>Checks an expression.</summary>
    /// <param name="expression">The expression.</param>
    /// <param name="text">The text that it stands in.</param>
    /// <param name="index">Index in the text of what the expression's positions count from; null: the text's start is named for all.</param>
    public void Check(Expression expression, UsedText text, int? index)
    {
        bool isCondition = text.Use is TextUse.Condition or TextUse.ItemCondition;
        foreach (ExpressionRead read in ExpressionReads.Of(expression))
        {
            Finding? finding = Read(Path(read.Path), read.Absorbed || isCondition, text);
            if (finding is { } found)
            {
                _issues.ErrorInText(found.Code, text.Place, index + found.At.Position ?? -1, found.Message, found.Suggestion);
            }
        }
    }

    private static List<Expression> Path(Expression path)
    {
        List<Expression> parts = [path];
        while (parts[^1].Children is [var target, ..])
        {
            parts.Add(target);
        }

        parts.Reverse();
        return parts;
    }

    private static List<string> Locals(UsedText text)
    {
        List<string> locals = text.Use is TextUse.ItemCondition or TextUse.ItemExpression or TextUse.ItemTemplate ? ["item", "index"] : [];
        foreach (StepNode owner in text.Step?.SelfAndOwners().Skip(1) ?? [])
        {
            if (owner.Definition is ForeachStepDefinition each)
            {
                locals.AddRange([each.As, "index"]);
            }
        }

        return locals;
    }

    private Finding? Read(List<Expression> path, bool absorbed, UsedText text)
    {
        NameExpression root = (NameExpression)path[0];
        MemberExpression? member = path.Count > 1 ? path[1] as MemberExpression : null;
        if (Locals(text) is var locals && locals.Contains(root.Name))
        {
            return null;
        }

        switch (root.Name)
        {
            case "steps" when text.Use == TextUse.Key:
                return new Finding(root, IssueCodes.UnknownReference, "A concurrency key is needed before any step runs: it may read only input and context.");
            case "steps":
                return member is null
                    ? new Finding(root, IssueCodes.UnknownReference, "'steps' needs the id of a step, as in ${steps.fetch.output}.")
                    : Step(member, path.Count > 2 ? (path[2] as MemberExpression)?.Name : null, absorbed, text.Step);
            case "context" when member is not null && !_context.Contains(member.Name):
                return new Finding(member, IssueCodes.UnknownReference, $"context has no '{Shortened.Name(member.Name)}'.", NearestNames.Suggest(member.Name, _context));
            case "input" when member is not null && _input is not null && !_input.Contains(member.Name):
                return new Finding(member, IssueCodes.UnknownReference, $"The input_schema allows no '{Shortened.Name(member.Name)}' in the input.", NearestNames.Suggest(member.Name, _input));
            case "input" or "context":
                return null;
            default:
                return new Finding(
                    root,
                    IssueCodes.UnknownReference,
                    $"There is no '{Shortened.Name(root.Name)}' to read from.",
                    NearestNames.Suggest(root.Name, [.. locals, .. s_roots]));
        }
    }

    private Finding? Step(MemberExpression member, string? part, bool absorbed, StepNode? reader)
    {
        string id = member.Name;
        if (!_steps.TryGetValue(id, out StepNode? step))
        {
            return _unreadableIds.Contains(id)
                ? null
                : new Finding(member, IssueCodes.UnknownReference, $"There is no step '{Shortened.Name(id)}'.", NearestNames.Suggest(id, Visible(reader)));
        }

        StepRelation relation = StepRelation.Of(reader, step);
        _used.UnionWith(relation.Crossed);
        _used.Add(step);
        const string InOrder = "Steps run in the order of the file; read only from earlier ones.";
        Finding? finding = relation.Order switch
        {
            StepOrder.Itself => new Finding(member, IssueCodes.LaterReference, $"Step '{id}' reads its own output.", InOrder),
            StepOrder.Around => new Finding(member, IssueCodes.LaterReference, $"Step '{id}' is around this one and ends only after it.", InOrder),
            StepOrder.Inside => new Finding(member, IssueCodes.LaterReference, $"Step '{id}' is inside this one and runs only after this is read.", InOrder),
            StepOrder.Later => new Finding(member, IssueCodes.LaterReference, $"Step '{id}' runs only after this one.", InOrder),
            StepOrder.Beside => new Finding(member, IssueCodes.LaterReference, $"Step '{id}' runs at the same time as this one.", $"Read it after '{step.List.Owner?.Id}' has ended."),
            StepOrder.OtherBranch => new Finding(member, IssueCodes.LaterReference, $"Step '{id}' is in another branch: never do both run.", InOrder),
            StepOrder.Repeated => Repeated(member, relation),
            _ => null,
        };
        // A step that was reached and skipped has a status all the same.
        bool isTold = part == "status" && relation.Crossed.Count == 1;
        return finding ?? (absorbed || isTold || relation.MayBeSkipped is not { } reason
            ? null
            : new Finding(member, IssueCodes.NotAlwaysRun, $"Step '{id}' does not always run: {reason}.", Otherwise(id, part ?? "output", relation)));
    }

    private static Finding Repeated(MemberExpression member, StepRelation relation)
    {
        StepNode each = relation.Crossed.First(step => step.Definition is ForeachStepDefinition);
        return new Finding(
            member, IssueCodes.UnknownReference, $"Step '{member.Name}' ran once for each item of '{each.Id}': outside it has no one output.", $"Read the list of outputs: ${{steps.{each.Id}.output}}.");
    }

    private static string Otherwise(string id, string part, StepRelation relation)
    {
        StepNode outer = relation.Crossed[0];
        string whole = outer.Definition is ConditionalStepDefinition { When: null } ? $", or read the output of its conditional: ${{steps.{outer.Id}.output}}" : "";
        return $"Say what counts then: ${{steps.{id}.{part} ?? null}}{whole}.";
    }

    private List<string> Visible(StepNode? reader) =>
        [.. _outline.AllSteps.Where(step => step.Id.Length > 0 && StepRelation.Of(reader, step).Order == StepOrder.Before).Select(step => step.Id)];

    /// <summary>What is wrong with a read.</summary>
    private readonly record struct Finding(Expression At, string Code, string Message, string? Suggestion = null);
}
