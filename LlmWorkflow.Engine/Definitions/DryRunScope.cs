using System.Text;
using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>What is known at a step of a dry run. Values that are not known are placeholders, and so is whatever is computed from them.</summary>
/// <param name="scope">Known values and placeholders.</param>
/// <param name="varying">Names whose value is only one of several: good for an example, not for a decision.</param>
internal sealed class DryRunScope(ExpressionScope scope, IReadOnlySet<string> varying)
{
    private readonly List<string> _faults = [];

    /// <summary>For rendering.</summary>
    public ExpressionScope Values => scope;

    /// <summary>Whether some names vary.</summary>
    public bool Varies => varying.Count > 0;

    /// <summary>What would fail, found since the last call.</summary>
    public IReadOnlyList<string> TakeFaults()
    {
        string[] faults = [.. _faults.Distinct()];
        _faults.Clear();
        return faults;
    }

    /// <summary>Notes something that would fail.</summary>
    public void AddFault(string message) => _faults.Add(message);

    /// <summary>Notes that a step stands before what is read now: its output is not known, or it has none.</summary>
    public void SetStep(string id, bool isSkipped) =>
        ((Dictionary<string, StepValue>)scope.Steps)[id] = isSkipped
            ? new StepValue { Status = "skipped" }
            : new StepValue { Status = "completed", Output = DryRunPlaceholder.Of($"steps.{id}") };

    /// <summary>The scope inside a <c>foreach</c>.</summary>
    public DryRunScope With(string item, JsonElement value, JsonElement index, bool vary) =>
        new(scope.With(new(item, value), new("index", index)), vary ? varying.Concat([item, "index"]).ToHashSet(StringComparer.Ordinal) : varying);

    /// <summary>Whether a condition holds; null: not known.</summary>
    public bool? IsTrue(string condition)
    {
        try
        {
            Expression expression = ExpressionParser.ParseBare(condition);
            return IsOpen(expression, true) ? null : ExpressionEvaluator.IsTrue(expression, scope);
        }
        catch (Exception exception) when (exception is WorkflowException or ExpressionSyntaxException)
        {
            AddFault(exception.Message);
            return null;
        }
    }

    /// <summary>A list that decides how often something is done; Undefined: not known.</summary>
    public JsonElement Items(string items)
    {
        try
        {
            Expression expression = ExpressionParser.ParseBare(items);
            if (IsOpen(expression, true, false))
            {
                return default;
            }

            JsonElement value = ExpressionEvaluator.Require(expression, scope);
            if (value.ValueKind == JsonValueKind.Array)
            {
                return value;
            }

            AddFault($"'items' gives {value.KindName()}, not an array.");
        }
        catch (Exception exception) when (exception is WorkflowException or ExpressionSyntaxException)
        {
            AddFault(exception.Message);
        }

        return default;
    }

    /// <summary>The value of an expression, a placeholder where it is not known.</summary>
    public JsonElement Evaluate(Expression expression)
    {
        try
        {
            if (!IsOpen(expression, false))
            {
                return ExpressionEvaluator.Require(expression, scope);
            }

            // What a sub-workflow was given keeps the name that it has outside.
            JsonElement value = IsPath(expression) && !IsStep(expression) ? ExpressionEvaluator.Evaluate(expression, scope) : default;
            return DryRunPlaceholder.Is(value) ? value : DryRunPlaceholder.Of(expression.ToString());
        }
        catch (WorkflowException exception)
        {
            AddFault(exception.Message);
            return DryRunPlaceholder.Of(expression.ToString());
        }
    }

    /// <summary>The text with each <c>${…}</c> replaced by its value or placeholder.</summary>
    public string Text(string text) => JsonValues.ToText(Resolve(JsonValues.String(text)));

    /// <summary>The value with each string resolved.</summary>
    public JsonElement Resolve(JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.String:
                return ResolveString(value);
            case JsonValueKind.Array:
                JsonElement[] items = [.. value.EnumerateArray().Select(Resolve)];
                return JsonValues.Write(writer =>
                {
                    writer.WriteStartArray();
                    Array.ForEach(items, item => item.WriteTo(writer));
                    writer.WriteEndArray();
                });
            case JsonValueKind.Object:
                (string Name, JsonElement Value)[] members = [.. value.EnumerateObject().Select(property => (property.Name, Resolve(property.Value)))];
                return JsonValues.Write(writer =>
                {
                    writer.WriteStartObject();
                    foreach ((string name, JsonElement member) in members)
                    {
                        writer.WritePropertyName(name);
                        member.WriteTo(writer);
                    }

                    writer.WriteEndObject();
                });
            default:
                return value;
        }
    }

    private static bool IsPath(Expression expression) => expression is NameExpression or MemberExpression or IndexExpression;

    private static bool IsStep(Expression expression) => expression switch
    {
        NameExpression name => name.Name == "steps",
        _ => expression.Children is [var target, ..] && IsStep(target),
    };

    private JsonElement ResolveString(JsonElement value)
    {
        string text = value.GetString()!;
        if (!text.Contains("${", StringComparison.Ordinal))
        {
            return value;
        }

        try
        {
            Template template = Template.Parse(text);
            if (template.Whole is { } whole)
            {
                return Evaluate(whole);
            }

            StringBuilder result = new();
            foreach (TemplatePart part in template.Parts)
            {
                result.Append(part.Expression is null ? part.Text : JsonValues.ToText(Evaluate(part.Expression)));
            }

            return JsonValues.String(result.ToString());
        }
        catch (ExpressionSyntaxException exception)
        {
            AddFault(exception.Message);
            return value;
        }
    }

    // Whether the expression reads something unknown. To decide, a value that merely holds something unknown is no use either.
    private bool IsOpen(Expression expression, bool decides, bool whole = true) =>
        IsPath(expression) ? PathIsOpen(expression, decides, decides && whole) : expression.Children.Any(child => IsOpen(child, decides, whole));

    private bool PathIsOpen(Expression path, bool decides, bool whole)
    {
        if (path is NameExpression name && decides && varying.Contains(name.Name))
        {
            return true;
        }

        JsonElement value = ExpressionEvaluator.Evaluate(path, scope);
        if (whole ? DryRunPlaceholder.IsIn(value) : DryRunPlaceholder.Is(value))
        {
            return true;
        }

        return path switch
        {
            MemberExpression member => TargetIsOpen(member.Target, decides),
            IndexExpression index => TargetIsOpen(index.Target, decides) || IsOpen(index.Index, decides),
            _ => false,
        };
    }

    private bool TargetIsOpen(Expression target, bool decides) => IsPath(target) ? PathIsOpen(target, decides, false) : IsOpen(target, decides);
}
