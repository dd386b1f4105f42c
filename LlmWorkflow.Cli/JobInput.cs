using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using LlmWorkflow.Engine.Definitions;

namespace LlmWorkflow.Cli;

/// <summary>The options that give a job's input, and its limits: those of the API.</summary>
internal sealed class JobInput
{
    // 1 MiB.
    private const int MaxBytes = 1024 * 1024;

    private const int MaxDepth = 64;

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = MaxDepth, AllowDuplicateProperties = false };

    /// <summary><c>--input</c>.</summary>
    public Option<string?> File { get; } = new("--input", "-i") { Description = "File with the input, a JSON object; '-' reads standard input.", HelpName = "FILE" };

    /// <summary><c>--input-json</c>.</summary>
    public Option<string?> Json { get; } = new("--input-json") { Description = "The input itself.", HelpName = "JSON" };

    /// <summary>Adds both to a command.</summary>
    public void AddTo(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        command.Add(File);
        command.Add(Json);
    }

    /// <summary>The input; null when none was given.</summary>
    /// <exception cref="CliException">It cannot be read, is no JSON object, or is too large.</exception>
    public async Task<JsonElement?> ReadAsync(CliHost host, ParseResult arguments, CancellationToken cancellationToken)
    {
        var (file, json) = (arguments.GetValue(File), arguments.GetValue(Json));
        return (file, json) switch
        {
            (not null, not null) => throw new CliException("give either --input or --input-json, not both."),
            (null, null) => null,
            (null, not null) => Parse(Encoding.UTF8.GetBytes(json), "--input-json"),
            _ => await ReadAsync(host, file, cancellationToken),
        };
    }

    /// <summary>The JSON object of a file; <c>-</c> is standard input.</summary>
    /// <exception cref="CliException">It cannot be read, is no JSON object, or is too large.</exception>
    public static async Task<JsonElement> ReadAsync(CliHost host, string file, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(host);
        return file == "-"
            ? Parse(Encoding.UTF8.GetBytes(await host.In.ReadToEndAsync(cancellationToken)), "standard input")
            : Parse(await ReadBytesAsync(host, file, cancellationToken), file);
    }

    /// <summary>A file as it is.</summary>
    /// <exception cref="CliException">It cannot be read, or is too large.</exception>
    public static Task<byte[]> ReadBytesAsync(CliHost host, string file, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(host);
        return ReadFileAsync(host.FullPath(file), file, cancellationToken);
    }

    /// <summary>Checks an input against the workflow's <c>input_schema</c>.</summary>
    /// <exception cref="CliException">It does not fit; every place is named.</exception>
    public static void Check(WorkflowDefinition definition, JsonElement input)
    {
        if (InputSchema.Validate(definition, input) is { Count: > 0 } issues)
        {
            throw new CliException(string.Join(Environment.NewLine, [$"the input breaks the input_schema of workflow '{definition.Name}':", .. issues.Select(Line)]));
        }
    }

    /// <summary>An issue as one line.</summary>
    public static string Line(InputIssue issue) => $"  {(issue.Pointer.Length == 0 ? "(whole input)" : issue.Pointer)}: {issue.Message}";

    private static async Task<byte[]> ReadFileAsync(string path, string shown, CancellationToken cancellationToken)
    {
        try
        {
            // Not even read when it is far too large.
            return new FileInfo(path).Length > MaxBytes + 3 ? throw TooLarge(shown) : await System.IO.File.ReadAllBytesAsync(path, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CliException(e is FileNotFoundException or DirectoryNotFoundException ? $"there is no file '{shown}'." : $"'{shown}' cannot be read: {e.Message}");
        }
    }

    private static JsonElement Parse(ReadOnlySpan<byte> json, string source)
    {
        ReadOnlySpan<byte> mark = [0xEF, 0xBB, 0xBF];
        json = json.StartsWith(mark) ? json[mark.Length..] : json;
        if (json.Length > MaxBytes)
        {
            throw TooLarge(source);
        }

        if (!Utf8.IsValid(json))
        {
            throw new CliException($"{source} is not valid UTF-8.");
        }

        try
        {
            var input = JsonElement.Parse(json, Strict);
            return input.ValueKind is JsonValueKind.Object ? input : throw new CliException($"{source} must hold a JSON object.");
        }
        catch (JsonException e) when (e.Message.Contains("maximum configured depth", StringComparison.Ordinal))
        {
            throw new CliException(string.Create(CultureInfo.InvariantCulture, $"{source} is nested deeper than {MaxDepth} levels."));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The parser counts from 0, and says so itself at the end of its message.
            var end = e.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
            var place = e is JsonException { LineNumber: { } line, BytePositionInLine: { } column } ? string.Create(CultureInfo.InvariantCulture, $" line {line + 1}, column {column + 1}:") : "";
            throw new CliException($"{source} is not valid JSON:{place} {(end < 0 ? e.Message : e.Message[..end])}");
        }
    }

    private static CliException TooLarge(string source) => new(string.Create(CultureInfo.InvariantCulture, $"{source} is larger than {MaxBytes} bytes."));
}
