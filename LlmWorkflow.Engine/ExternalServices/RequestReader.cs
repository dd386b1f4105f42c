using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.ExternalServices;

/// <summary>Reads the parts of an operation's or variant's request.</summary>
internal sealed class RequestReader(ServiceAuth? auth, ParameterSchema parameters, ServiceTexts texts, List<FileFault> faults)
{
    // Stands for what an expression gives; no key and no path holds it.
    private const string Hole = "<";

    private static readonly string[] s_ofBody = ["body", "method", "body_type"];

    private static readonly string[] s_methods = ["GET", "POST", "PUT", "PATCH", "DELETE"];

    /// <summary>The path; null when there is none.</summary>
    /// <param name="fields">Of an operation or variant.</param>
    /// <param name="required">It must be there.</param>
    /// <param name="ifGiven">Parameters that are given whenever the request is made.</param>
    public string? Path(FileFields fields, bool required, IReadOnlySet<string>? ifGiven = null)
    {
        if (fields.Text("path", required) is not { } text)
        {
            return null;
        }

        IReadOnlyList<string> at = [.. fields.Path, "path"];
        if (!text.StartsWith('/'))
        {
            fields.Fault("path", "must start with '/'");
        }

        var expressions = texts.Text(text, at, texts.RequestRoots);
        foreach (var name in expressions.SelectMany(expression => ServiceTexts.ParametersOf(expression, needed: true)).Distinct(StringComparer.Ordinal))
        {
            if (parameters.Properties.TryGetValue(name, out var parameter) && parameter.Default.ValueKind == JsonValueKind.Undefined
                && !parameters.Required.Contains(name) && ifGiven?.Contains(name) != true)
            {
                fields.Fault("path", $"needs the parameter '{name}', which may be missing", "Make it required, or give it a default.");
            }
        }

        var literal = Literal(text);
        if (literal.AsSpan().IndexOfAny('?', '#') >= 0)
        {
            fields.Fault("path", "must not hold a query or fragment", "Put it into 'query'.");
        }
        else if (literal.Any(static c => char.IsControl(c) || char.IsWhiteSpace(c)) || literal.Split('/').Any(segment => segment is "." or ".."))
        {
            fields.Fault("path", "must not hold white space or the segments '.' and '..'");
        }

        return text;
    }

    /// <summary>Query or headers.</summary>
    public IReadOnlyDictionary<string, string> Texts(FileFields fields, string name)
    {
        var isHeader = name == "headers";
        Dictionary<string, string> found = new(isHeader ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal);
        foreach (var (key, value, path) in fields.Members(name))
        {
            if (value.ValueKind != JsonValueKind.String)
            {
                faults.Add(new(path, FileFaultKind.InvalidValue, "must be a text"));
                continue;
            }

            if (isHeader && ServiceFileReader.HeaderProblem(key) is { } problem)
            {
                faults.Add(new(path, FileFaultKind.InvalidName, problem));
            }
            else if (!found.TryAdd(key, value.GetString()!))
            {
                faults.Add(new(path, FileFaultKind.InvalidName, "stands here twice"));
            }
            else if (auth is not null && (auth.In == AuthPlace.Query) != isHeader && key.Equals(auth.Name, isHeader ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal))
            {
                faults.Add(new(path, FileFaultKind.ConflictingProperties, "is where 'auth' puts the key", "Remove it."));
            }
            else
            {
                CheckSecrets(key, value.GetString()!, path);
            }

            if (isHeader && Literal(value.GetString()!).Any(static c => c is < ' ' or > '~'))
            {
                faults.Add(new(path, FileFaultKind.InvalidValue, "must consist of ASCII characters without line breaks, as headers do"));
            }

            texts.Text(value.GetString()!, path, texts.RequestRoots);
        }

        return found;
    }

    /// <summary>The body; Undefined: none.</summary>
    public JsonElement Body(FileFields fields)
    {
        var body = fields.Any("body");
        IReadOnlyList<string> path = [.. fields.Path, "body"];
        texts.Value(body, path, texts.RequestRoots);
        foreach (var (name, text, at) in ServiceTexts.TextsOf(body, path))
        {
            CheckSecrets(name, text, at);
        }

        return body;
    }

    /// <summary>How the body is sent.</summary>
    public BodyType BodyType(FileFields fields) => fields.OneOf("body_type", ["json", "form"]) == "form" ? ExternalServices.BodyType.Form : ExternalServices.BodyType.Json;

    /// <summary>The method; null when nothing is said, or nothing that is one.</summary>
    public static string? Method(FileFields fields) => fields.OneOf("method", s_methods);

    /// <summary>Checks that the body fits the rest of the request.</summary>
    /// <param name="request">As it was read.</param>
    /// <param name="fields">What says it: what a variant takes over from its operation is told there.</param>
    public static void CheckBody(RequestTemplate request, FileFields fields)
    {
        string[] said = [.. s_ofBody.Where(fields.Has)];
        if (said.Length == 0)
        {
            return;
        }

        if (request.Method == "GET" && request.Body.ValueKind != JsonValueKind.Undefined)
        {
            fields.Fault(said[0], FileFaultKind.ConflictingProperties, "makes a GET with a body, which many servers refuse", "Use another method, or 'query'.");
        }
        else if (request.BodyType == ExternalServices.BodyType.Form && request.Body.ValueKind != JsonValueKind.Object)
        {
            fields.Fault(said[0], "must be an object for a form: its members are the fields");
        }
    }

    // Files are shared and committed; keys are not.
    private void CheckSecrets(string name, string text, IReadOnlyList<string> path)
    {
        var literal = Literal(text);
        if (Redactor.Secrets(literal) != literal || (Redactor.IsSecretName(name) && literal.Length > 0 && literal == text))
        {
            faults.Add(new(path, FileFaultKind.InvalidValue, "looks like a key", "Keys are not written into files: 'auth' takes them from the environment."));
        }
    }

    private static string Literal(string text)
    {
        try
        {
            return string.Concat(Template.Parse(text).Parts.Select(part => part.Expression is null ? part.Text : Hole));
        }
        catch (ExpressionSyntaxException)
        {
            return "";
        }
    }
}
