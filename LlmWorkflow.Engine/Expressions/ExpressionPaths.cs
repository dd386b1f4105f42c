using System.Text.Json;

namespace LlmWorkflow.Engine.Expressions;

/// <summary>Reads names, members and indexes.</summary>
internal static class ExpressionPaths
{
    private const int MembersPerStep = 32;

    public static ExpressionValue Read(Expression path, Evaluation evaluation) => path switch
    {
        NameExpression name => Root(name, evaluation),
        MemberExpression member => Member(member.Target, member.Name, evaluation),
        _ => Index((IndexExpression)path, evaluation),
    };

    private static ExpressionValue Root(NameExpression name, Evaluation evaluation) => name.Name switch
    {
        "input" => ExpressionValue.Of(evaluation.Scope.Input),
        "context" => Context(name, evaluation),
        _ => ExpressionValue.Of(evaluation.Scope.Locals.GetValueOrDefault(name.Name)),
    };

    private static ExpressionValue Context(NameExpression name, Evaluation evaluation)
    {
        List<KeyValuePair<string, JsonElement>> entries = [.. evaluation.Scope.Context.Where(entry => entry.Value.ValueKind != JsonValueKind.Undefined)];
        long size = entries.Sum(entry => entry.Key.Length + 4 + ExpressionValue.Of(entry.Value).Size);
        evaluation.ThrowIfTooLarge(size, name);
        evaluation.Spend(entries.Count + (size / 256), name);
        return ExpressionValue.Of(JsonValues.Write(writer =>
        {
            writer.WriteStartObject();
            foreach ((string key, JsonElement value) in entries)
            {
                writer.WritePropertyName(key);
                value.WriteTo(writer);
            }

            writer.WriteEndObject();
        }));
    }

    private static ExpressionValue Member(Expression target, string name, Evaluation evaluation)
    {
        ExpressionScope scope = evaluation.Scope;
        switch (target)
        {
            case NameExpression { Name: "context" }:
                return ExpressionValue.Of(scope.Context.GetValueOrDefault(name));
            case NameExpression { Name: "steps" }:
                return ExpressionValue.Of(scope.Steps.GetValueOrDefault(name)?.Output ?? default);
            case MemberExpression { Target: NameExpression { Name: "steps" } } step:
                return scope.Steps.GetValueOrDefault(step.Name) is { } value ? StepMember(value, name) : default;
            default:
                ExpressionValue from = evaluation.Evaluate(target);
                evaluation.Spend(from.Kind == JsonValueKind.Object ? from.Count / MembersPerStep : 0, target);
                return from.Member(name);
        }
    }

    private static ExpressionValue StepMember(StepValue step, string name) => name switch
    {
        "output" => ExpressionValue.Of(step.Output),
        "status" => ExpressionValue.Of(step.Status),
        "error" => ExpressionValue.Of(step.Error),
        "usage" => ExpressionValue.Of(step.Usage),
        "duration_ms" => ExpressionValue.Of((ExpressionNumber)step.DurationMs),
        "branch" when step.Branch.ValueKind != JsonValueKind.Undefined => ExpressionValue.Of(step.Branch),
        _ => ExpressionValue.Of(step.Output).Member(name),
    };

    private static ExpressionValue Index(IndexExpression expression, Evaluation evaluation)
    {
        ExpressionValue index = evaluation.Evaluate(expression.Index);
        if (index.Kind == JsonValueKind.String)
        {
            return Member(expression.Target, index.Text, evaluation);
        }

        ExpressionValue target = evaluation.Evaluate(expression.Target);
        if (target.Kind != JsonValueKind.Array || index.Kind != JsonValueKind.Number || index.Number.ToInteger() is not { } at)
        {
            return default;
        }

        // The JSON reader finds an item by walking over those before it.
        int count = target.Count;
        evaluation.Spend(count / MembersPerStep, expression);
        int fromStart = at < 0 ? at + count : at;
        return fromStart >= 0 && fromStart < count ? target.ItemAt(fromStart) : default;
    }
}
