using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace LlmWorkflow.Engine.Definitions.Language;

/// <summary>
/// Writes the table of the language as JSON Schema. Draft 07 and <c>anyOf</c> over one-word enums of <c>type</c> is what editors complete best, and what
/// older libraries read too.
/// </summary>
internal sealed class SchemaWriter
{
    private readonly Utf8JsonWriter _json;

    private SchemaWriter(Utf8JsonWriter json) => _json = json;

    /// <summary>The whole schema, with LF as line end and at the end.</summary>
    public static string Write()
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter json = new(buffer, new JsonWriterOptions { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            new SchemaWriter(json).Document();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan) + "\n";
    }

    private static string KeyOf(ObjectShape shape) => new([.. shape.Title.Where(letter => letter != ':').Select(letter => char.IsAsciiLetterOrDigit(letter) ? letter : '_')]);

    private void Document()
    {
        _json.WriteStartObject();
        _json.WriteString("$schema", "http://json-schema.org/draft-07/schema#");
        Members(WorkflowShapes.Workflow);
        _json.WriteStartObject("definitions");
        Alternatives("step", "A step, by its type.", StepShapes.All, "");
        Alternatives("operation", "A transform in a row.", TransformShapes.Operations, "operation_");
        foreach (PropertyShape property in CommonShapes.Properties)
        {
            Property($"step_{property.Name}", property);
        }

        foreach (ObjectShape step in StepShapes.All)
        {
            Definition(KeyOf(step), step);
        }

        foreach (ObjectShape operation in TransformShapes.Operations)
        {
            Definition($"operation_{KeyOf(operation)}", operation);
        }

        _json.WriteEndObject();
        _json.WriteEndObject();
    }

    private void Alternatives(string name, string doc, IReadOnlyList<ObjectShape> shapes, string prefix)
    {
        _json.WriteStartObject(name);
        _json.WriteString("description", doc);
        _json.WriteString("type", "object");
        _json.WriteStartArray("anyOf");
        foreach (ObjectShape shape in shapes)
        {
            Reference(prefix + KeyOf(shape));
        }

        _json.WriteEndArray();
        _json.WriteEndObject();
    }

    private void Reference(string definition)
    {
        _json.WriteStartObject();
        _json.WriteString("$ref", $"#/definitions/{definition}");
        _json.WriteEndObject();
    }

    private void Definition(string name, ObjectShape shape)
    {
        _json.WriteStartObject(name);
        Members(shape);
        _json.WriteEndObject();
    }

    private void Property(string name, PropertyShape property)
    {
        _json.WritePropertyName(name);
        _json.WriteStartObject();
        _json.WriteString("description", property.Doc);
        if (property.Default is { } value)
        {
            _json.WritePropertyName("default");
            _json.WriteRawValue(value);
        }

        Members(property.Value);
        _json.WriteEndObject();
    }

    private void Schema(ValueShape shape)
    {
        _json.WriteStartObject();
        Members(shape);
        _json.WriteEndObject();
    }

    private void Members(ValueShape shape)
    {
        if (shape.OrTemplate && shape is not (AnyShape or TextShape { Choices.Count: 0, Form: null }))
        {
            _json.WriteStartArray("anyOf");
            Schema(shape with { OrTemplate = false });
            _json.WriteStartObject();
            _json.WriteString("type", "string");
            _json.WriteString("pattern", @"\$\{");
            _json.WriteEndObject();
            _json.WriteEndArray();
            return;
        }

        switch (shape)
        {
            case TextShape text:
                Text(text);
                break;
            case NumberShape number:
                Number(number);
                break;
            case FlagShape:
                _json.WriteString("type", "boolean");
                break;
            case SchemaShape:
                _json.WriteString("type", "object");
                break;
            case ListShape list:
                _json.WriteString("type", "array");
                Bounds("minItems", list.Least, "maxItems", list.Most);
                _json.WritePropertyName("items");
                Schema(list.Item);
                break;
            case StepsShape steps:
                _json.WriteString("type", "array");
                Bounds("minItems", steps.Least, "maxItems", WorkflowShapes.MaxSteps);
                _json.WritePropertyName("items");
                Reference("step");
                break;
            case MapShape map:
                Map(map);
                break;
            case EitherShape either:
                _json.WriteStartArray("anyOf");
                foreach (ValueShape option in either.Options)
                {
                    Schema(option);
                }

                _json.WriteEndArray();
                break;
            case OperationShape:
                _json.WriteString("$ref", "#/definitions/operation");
                break;
            case ObjectShape known:
                Object(known);
                break;
            default:
                break;
        }
    }

    private void Text(TextShape shape)
    {
        _json.WriteString("type", "string");
        if (shape.Choices.Count > 0)
        {
            Names("enum", shape.Choices);
        }

        if (shape.Least > 0)
        {
            _json.WriteNumber("minLength", shape.Least);
        }

        if (shape.Form is { } form)
        {
            _json.WriteString("pattern", form.Pattern);
        }
    }

    private void Number(NumberShape shape)
    {
        _json.WriteString("type", shape.IsWhole ? "integer" : "number");
        if (shape.Least > long.MinValue)
        {
            _json.WriteNumber("minimum", shape.Least);
        }

        if (shape.Most < long.MaxValue)
        {
            _json.WriteNumber("maximum", shape.Most);
        }
    }

    private void Map(MapShape shape)
    {
        _json.WriteString("type", "object");
        Bounds("minProperties", shape.Least, "maxProperties", shape.Most ?? int.MaxValue);
        if (shape.Names is { } form)
        {
            _json.WriteStartObject("propertyNames");
            _json.WriteString("pattern", form.Pattern);
            _json.WriteEndObject();
        }

        _json.WritePropertyName("additionalProperties");
        Schema(shape.Value);
    }

    private void Object(ObjectShape shape)
    {
        _json.WriteString("title", shape.Title);
        if (shape.Doc.Length > 0)
        {
            _json.WriteString("description", shape.Doc);
        }

        _json.WriteString("type", "object");
        Names("required", shape.Properties.Where(property => property.IsRequired).Select(property => property.Name));
        _json.WriteBoolean("additionalProperties", false);
        if (shape.AtLeastOneOf.Count > 0)
        {
            _json.WriteStartArray("anyOf");
            foreach (string name in shape.AtLeastOneOf)
            {
                Required(name);
            }

            _json.WriteEndArray();
        }

        AtMostOneOf(shape);
        _json.WriteStartObject("properties");
        foreach (PropertyShape property in shape.Properties)
        {
            if (CommonShapes.Properties.Contains(property))
            {
                _json.WritePropertyName(property.Name);
                Reference($"step_{property.Name}");
            }
            else
            {
                Property(property.Name, property);
            }
        }

        _json.WriteEndObject();
    }

    private void AtMostOneOf(ObjectShape shape)
    {
        if (shape.AtMostOneOf.Count == 0)
        {
            return;
        }

        _json.WriteStartArray("allOf");
        foreach (IReadOnlyList<string> group in shape.AtMostOneOf)
        {
            foreach ((string first, string second) in group.SelectMany((first, index) => group.Skip(index + 1).Select(second => (first, second))))
            {
                _json.WriteStartObject();
                _json.WritePropertyName("not");
                Required(first, second);
                _json.WriteEndObject();
            }
        }

        _json.WriteEndArray();
    }

    private void Required(params IReadOnlyList<string> names)
    {
        _json.WriteStartObject();
        Names("required", names);
        _json.WriteEndObject();
    }

    private void Names(string property, IEnumerable<string> names)
    {
        _json.WriteStartArray(property);
        foreach (string name in names)
        {
            _json.WriteStringValue(name);
        }

        _json.WriteEndArray();
    }

    private void Bounds(string least, int fewest, string most, int largest)
    {
        if (fewest > 0)
        {
            _json.WriteNumber(least, fewest);
        }

        if (largest < int.MaxValue)
        {
            _json.WriteNumber(most, largest);
        }
    }
}
