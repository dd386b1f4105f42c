using System.Text;
using System.Text.Json;
using LlmWorkflow.Engine.ExternalServices;

namespace LlmWorkflow.Cli.Services;

/// <summary>The parameters of a call as the command line gives them. Whether they fit is the engine's to say.</summary>
internal sealed class ParameterValues(CliHost host, ServiceOperation operation)
{
    private readonly IReadOnlyList<OperationParameter> _parameters = OperationParameter.Of(operation);

    /// <summary>All of them by name; a value of the command line goes before one of the file.</summary>
    /// <param name="file">A JSON object; null: none.</param>
    /// <param name="values"><c>NAME=VALUE</c>.</param>
    /// <param name="cancellationToken">Cancels.</param>
    /// <exception cref="CliException">One has no name, or a file cannot be read.</exception>
    public async Task<IReadOnlyDictionary<string, JsonElement>> ReadAsync(string? file, IEnumerable<string> values, CancellationToken cancellationToken)
    {
        Dictionary<string, JsonElement> read = new(StringComparer.Ordinal);
        if (file is not null)
        {
            foreach (var property in (await JobInput.ReadAsync(host, file, cancellationToken)).EnumerateObject())
            {
                read[property.Name] = property.Value;
            }
        }

        foreach (var given in values)
        {
            if (given.Split('=', 2) is not [{ Length: > 0 } name, var value])
            {
                throw new CliException($"--param '{given}' must be NAME=VALUE.");
            }

            var text = value.StartsWith('@') ? Encoding.UTF8.GetString(await JobInput.ReadBytesAsync(host, value[1..], cancellationToken)) : value;
            read[name] = Value(name, text);
        }

        return read;
    }

    // An operation that takes a text gets '30' as one.
    private JsonElement Value(string name, string text)
    {
        if (!IsText(name))
        {
            try
            {
                return JsonElement.Parse(text);
            }
            catch (JsonException)
            {
                // Then it is text: a single place type where several may be given.
            }
        }

        return JsonSerializer.SerializeToElement(text, TextJson.Default.String);
    }

    private bool IsText(string name) => _parameters.Any(parameter => (parameter.Name == name || parameter.Aliases.Contains(name, StringComparer.Ordinal)) && parameter.Type == "string");
}

[System.Text.Json.Serialization.JsonSerializable(typeof(string))]
internal sealed partial class TextJson : System.Text.Json.Serialization.JsonSerializerContext;
