using System.Globalization;
using System.Text.Json;
using LlmWorkflow.Engine.Definitions.Language;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>Compares a definition with the table of the language, and notes its steps and the texts in it.</summary>
internal sealed class ShapeCheck
{
    private readonly DefinitionIssues _issues;
    private readonly StepListCheck _steps;

    public ShapeCheck(DefinitionIssues issues)
    {
        _issues = issues;
        _steps = new StepListCheck(this, Outline, issues);
    }

    /// <summary>What was found.</summary>
    public DefinitionOutline Outline { get; } = new();

    /// <summary>Checks a value and all that is inside it.</summary>
    /// <param name="value">The value.</param>
    /// <param name="shape">What it must look like.</param>
    /// <param name="place">Where it stands.</param>
    /// <param name="step">The step that it belongs to; null at the top level.</param>
    public void Check(JsonElement value, ValueShape shape, JsonPlace place, StepNode? step)
    {
        if (shape.OrTemplate && value.ValueKind == JsonValueKind.String && HasExpression(value.GetString()!))
        {
            Outline.Texts.Add(new UsedText(place, value.GetString()!, TextUse.Template, step));
            return;
        }

        if (!Fits(value, shape))
        {
            string expected = shape is ObjectShape && place.Parent is null ? "A workflow must be an object" : $"{place.Label} must be {shape.Expected}";
            _issues.Error(IssueCodes.WrongType, place, $"{expected}, not {value.KindName()}.");
            return;
        }

        switch (shape)
        {
            case TextShape text:
                Text(value.GetString()!, text, place, step);
                break;
            case NumberShape number:
                Number(value, number, place);
                break;
            case AnyShape any:
                Strings(value, any.Use, place, step);
                break;
            case SchemaShape schema:
                Outline.Schemas.Add(new UsedSchema(place, value, schema.Code));
                break;
            case ListShape list:
                List(value, list, place, step);
                break;
            case MapShape map:
                Map(value, map, place, step);
                break;
            case StepsShape steps:
                _steps.Check(value, steps, place, step);
                break;
            case ObjectShape known:
                Object(value, known, place, step);
                break;
            case OperationShape:
                Operation(value, place, step);
                break;
            case EitherShape either:
                Check(value, either.Options.First(option => Fits(value, option)), place, step);
                break;
            default:
                break;
        }
    }

    /// <summary>Checks the properties of an object.</summary>
    public void Object(JsonElement value, ObjectShape shape, JsonPlace place, StepNode? step)
    {
        foreach (PropertyShape missing in shape.Properties.Where(property => property.IsRequired && !value.TryGetProperty(property.Name, out _)))
        {
            string subject = missing.MissingCode == IssueCodes.MissingParameter ? $"'{StepShapes.Text(value, "operation")}' needs '{missing.Name}'." : $"'{missing.Name}' is missing.";
            _issues.Error(missing.MissingCode, place, subject, $"Add \"{missing.Name}\".");
        }

        if (shape.AtLeastOneOf.Count > 0 && !shape.AtLeastOneOf.Any(name => value.TryGetProperty(name, out _)))
        {
            _issues.Error(shape.MissingCode, place, $"There is none of {Quoted(shape.AtLeastOneOf)}.", "Add one of them.");
        }

        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (JsonProperty property in value.EnumerateObject().Where(property => seen.Add(property.Name)).TakeWhile(_ => !_issues.IsFull))
        {
            Property(property.Name, value, shape, place.Member(property.Name), step);
        }
    }

    private static bool Fits(JsonElement value, ValueShape shape) => shape switch
    {
        TextShape => value.ValueKind == JsonValueKind.String,
        NumberShape => value.ValueKind == JsonValueKind.Number,
        FlagShape => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        ListShape or StepsShape => value.ValueKind == JsonValueKind.Array,
        MapShape or ObjectShape or OperationShape or SchemaShape => value.ValueKind == JsonValueKind.Object,
        EitherShape either => either.Options.Any(option => Fits(value, option)),
        _ => true,
    };

    private static bool HasExpression(string text) => text.Contains("${", StringComparison.Ordinal);

    private static string Quoted(IEnumerable<string> names) => string.Join(", ", names.Select(name => $"\"{name}\""));

    private void Property(string name, JsonElement owner, ObjectShape shape, JsonPlace place, StepNode? step)
    {
        if (shape.Find(name) is { } known)
        {
            foreach (IReadOnlyList<string> group in shape.AtMostOneOf.Where(group => group.Contains(name)))
            {
                // Named at the later of the two as the language lists them, once.
                if (group.TakeWhile(other => other != name).FirstOrDefault(other => owner.TryGetProperty(other, out _)) is { } first)
                {
                    _issues.ErrorAtName(IssueCodes.ConflictingProperties, place, $"'{first}' and '{name}' exclude each other.", "Keep one of them.");
                }
            }

            Check(owner.GetProperty(name), known.Value, place, step);
        }
        else if (shape.Refused.TryGetValue(name, out string? reason))
        {
            _issues.ErrorAtName(IssueCodes.ConflictingProperties, place, reason);
        }
        else if (!shape.IsOpen)
        {
            _issues.ErrorAtName(
                IssueCodes.UnknownProperty, place, $"There is no property {place.Label} here.", NearestNames.Suggest(name, [.. shape.Properties.Select(property => property.Name)]));
        }
    }

    private void Text(string text, TextShape shape, JsonPlace place, StepNode? step)
    {
        if (shape.Choices.Count > 0 && !shape.Choices.Contains(text))
        {
            _issues.Error(IssueCodes.InvalidValue, place, $"{place.Label} must be {shape.Expected}, not \"{Shortened.Name(text)}\".");
        }
        else if (text.Length < shape.Least)
        {
            _issues.Error(IssueCodes.InvalidValue, place, $"{place.Label} must not be empty.");
        }
        else if (shape.Form is { } form && !form.Fits(text))
        {
            _issues.Error(form.Code, place, $"'{Shortened.Name(text)}' is no {form.Words}.");
        }
        else if (shape.Use is not (TextUse.Plain or TextUse.Template or TextUse.ItemTemplate) || (shape.Use != TextUse.Plain && HasExpression(text)))
        {
            Outline.Texts.Add(new UsedText(place, text, shape.Use, step));
        }
    }

    private void Number(JsonElement value, NumberShape shape, JsonPlace place)
    {
        if (!value.TryGetDecimal(out decimal number) || number < shape.Least || number > shape.Most || (shape.IsWhole && number != decimal.Truncate(number)))
        {
            _issues.Error(IssueCodes.OutOfRange, place, $"{place.Label} must be {shape.Bounds}, not {Shortened.Name(value.GetRawText())}.");
        }
    }

    private void Strings(JsonElement value, TextUse use, JsonPlace place, StepNode? step)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.String when use != TextUse.Plain && HasExpression(value.GetString()!):
                Outline.Texts.Add(new UsedText(place, value.GetString()!, use, step));
                break;
            case JsonValueKind.Object:
                foreach (JsonProperty property in value.EnumerateObject())
                {
                    Strings(property.Value, use, place.Member(property.Name), step);
                }

                break;
            case JsonValueKind.Array:
                int index = 0;
                foreach (JsonElement item in value.EnumerateArray())
                {
                    Strings(item, use, place.Item(index++), step);
                }

                break;
            default:
                break;
        }
    }

    private void List(JsonElement value, ListShape shape, JsonPlace place, StepNode? step)
    {
        int count = value.GetArrayLength();
        if (count < shape.Least || count > shape.Most)
        {
            string most = shape.Most == int.MaxValue ? "" : string.Create(CultureInfo.InvariantCulture, $" and at most {shape.Most}");
            _issues.Error(IssueCodes.OutOfRange, place, string.Create(CultureInfo.InvariantCulture, $"{place.Label} must have at least {shape.Least}{most} items, not {count}."));
            return;
        }

        int index = 0;
        foreach (JsonElement item in value.EnumerateArray())
        {
            Check(item, shape.Item, place.Item(index++), step);
        }
    }

    private void Map(JsonElement value, MapShape shape, JsonPlace place, StepNode? step)
    {
        int count = value.GetPropertyCount();
        if (count < shape.Least || count > (shape.Most ?? int.MaxValue))
        {
            _issues.Error(IssueCodes.OutOfRange, place, string.Create(CultureInfo.InvariantCulture, $"{place.Label} must have {shape.Least} to {shape.Most} members, not {count}."));
            return;
        }

        foreach (JsonProperty property in value.EnumerateObject())
        {
            JsonPlace at = place.Member(property.Name);
            if (shape.Names is { } form && !form.Fits(property.Name))
            {
                _issues.ErrorAtName(form.Code, at, $"'{Shortened.Name(property.Name)}' is no {form.Words}.");
            }

            Check(property.Value, shape.Value, at, step);
        }
    }

    private void Operation(JsonElement value, JsonPlace place, StepNode? step)
    {
        string? name = StepShapes.Text(value, "operation");
        if (TransformShapes.FindOperation(name) is { } shape)
        {
            Object(value, shape, place, step);
        }
        else
        {
            _steps.UnknownOperation(value, name, place);
        }
    }
}
