using System.Collections.Frozen;

namespace LlmWorkflow.Engine.Expressions;

/// <summary>A function of the language.</summary>
/// <param name="Signature">Name and parameters: <c>?</c> marks optional ones, <c>…</c> any further ones.</param>
/// <param name="Summary">What it gives.</param>
/// <param name="Example">A call with constants.</param>
/// <param name="Result">What the example gives, as JSON.</param>
/// <param name="Body">Computes it from the arguments, which it evaluates itself.</param>
internal sealed record ExpressionFunction(
    string Signature, string Summary, string Example, string Result, Func<Evaluation, CallExpression, ExpressionValue> Body)
{
    private const int MaxArguments = 32;

    /// <summary>Its name.</summary>
    public string Name { get; } = Signature[..Signature.IndexOf('(', StringComparison.Ordinal)];

    private string[] Parameters { get; } =
        Signature[(Signature.IndexOf('(', StringComparison.Ordinal) + 1)..^1].Split(", ", StringSplitOptions.RemoveEmptyEntries);

    private int Least => Parameters.Count(parameter => parameter != "…" && !parameter.EndsWith('?'));

    private int Most => Parameters.Contains("…") ? MaxArguments : Parameters.Length;

    /// <summary>How many arguments it takes, in words.</summary>
    public string ArgumentCount => (Least, Most) switch
    {
        (0, 0) => "no argument",
        (1, 1) => "1 argument",
        var (least, most) when least == most => $"{least} arguments",
        var (least, most) => $"{least} to {most} arguments",
    };

    /// <summary>Whether it takes so many arguments.</summary>
    public bool Takes(int count) => count >= Least && count <= Most;
}

/// <summary>The functions of the language: what parser, evaluator and documentation know of them.</summary>
internal static class ExpressionFunctions
{
    /// <summary>Every function.</summary>
    public static IReadOnlyList<ExpressionFunction> All { get; } =
    [
        Strict("length(value)", "Characters of a string, items of a list, or members of an object.", "length([1, 2, 3])", "3", ListFunctions.Length),
        Strict("lower(text)", "The text in lower case.", "lower('Reno NV')", "\"reno nv\"", TextFunctions.Lower),
        Strict("upper(text)", "The text in upper case.", "upper('Reno')", "\"RENO\"", TextFunctions.Upper),
        Strict("trim(text)", "The text without white space at its ends.", "trim('  Reno ')", "\"Reno\"", TextFunctions.Trim),
        Strict("join(list, separator?)", "The items as one text; the separator is ', ' unless given.", "join(['a', 'b'], '-')", "\"a-b\"", TextFunctions.Join),
        Strict("split(text, separator)", "The parts of a text between separators.", "split('a,b,,c', ',')", "[\"a\",\"b\",\"\",\"c\"]", TextFunctions.Split),
        Strict("keys(object)", "The names of an object's members, in their order.", "keys({a: 1, b: 2})", "[\"a\",\"b\"]", ListFunctions.Keys),
        Strict("values(object)", "The values of an object's members, in their order.", "values({a: 1, b: 2})", "[1,2]", ListFunctions.Values),
        Strict("first(list)", "The first item; missing when there is none.", "first([7, 8, 9])", "7", ListFunctions.First),
        Strict("last(list)", "The last item; missing when there is none.", "last([7, 8, 9])", "9", ListFunctions.Last),
        Strict(
            "slice(value, start, end?)", "Items of a list or characters of a text, from start up to but without end; negative positions count from the end.",
            "slice([1, 2, 3, 4], 1, -1)", "[2,3]", ListFunctions.Slice),
        new("coalesce(value, …)", "The first argument that is neither missing nor null; if there is none, the last.", "coalesce(null, 'b', 'c')", "\"b\"", Coalesce),
        new("exists(value)", "Whether there is such a value, be it null.", "exists({a: null}.a)", "true", (evaluation, call) =>
            ExpressionValue.Of(!evaluation.Evaluate(call.Arguments[0]).IsMissing)),
        new("empty(value)", "Whether the value is missing, null, or a string, list or object with nothing in it.", "empty('')", "true", Empty),
        Strict("to_json(value)", "The value as compact JSON text.", "to_json({a: [1, 'x']})", "\"{\\\"a\\\":[1,\\\"x\\\"]}\"", TextFunctions.ToJson),
        Strict("from_json(text)", "The value that a JSON text stands for.", "from_json('[1, 2]')", "[1,2]", TextFunctions.FromJson),
        Strict("number(value)", "The number that a text stands for.", "number('12.50') * 2", "25", NumberFunctions.Number),
        Strict("string(value)", "The value as text: null is empty, lists and objects are JSON.", "string(12.5)", "\"12.5\"", TextFunctions.Text),
        Strict("round(number, digits?)", "The number rounded to so many decimal places (0 to 15, else 0), half away from zero.", "round(2.345, 2)", "2.35", NumberFunctions.Round),
        Strict("min(value, …)", "The least of a list or of the arguments, all numbers or all strings; missing when there is none.", "min([3, 1, 2])", "1", NumberFunctions.Min),
        Strict("max(value, …)", "The greatest of a list or of the arguments, all numbers or all strings; missing when there is none.", "max(3, 1, 2)", "3", NumberFunctions.Max),
        Strict("sum(list)", "The sum of a list of numbers; 0 when it is empty.", "sum([0.1, 0.2])", "0.3", NumberFunctions.Sum),
        new("now()", "When the step first started, in UTC: it stays the same over retries and resumes.", "now()", "\"2026-01-02T03:04:05.678Z\"", (evaluation, _) =>
            ExpressionValue.Of(evaluation.Scope.Context.GetValueOrDefault("now"))),
        Strict(
            "format_date(date, format?)", "An ISO 8601 text or Unix seconds in a .NET format, with English names; the format is yyyy-MM-dd unless given.",
            "format_date('2026-03-04T05:06:07Z', 'd MMMM yyyy, HH:mm')", "\"4 March 2026, 05:06\"", DateFunctions.Format),
        Strict(
            "truncate(text, length, ending?)", "The text cut to at most so many characters, the ending included, which is … unless given.",
            "truncate('A long story', 7)", "\"A long…\"", TextFunctions.Truncate),
        Strict("url_encode(value)", "The text as part of a URL.", "url_encode('a b/ü')", "\"a%20b%2F%C3%BC\"", TextFunctions.UrlEncode),
    ];

    private static readonly FrozenDictionary<string, ExpressionFunction> s_byName = All.ToFrozenDictionary(function => function.Name, StringComparer.Ordinal);

    /// <summary>The function of that name; null when there is none.</summary>
    public static ExpressionFunction? Find(string name) => s_byName.GetValueOrDefault(name);

    /// <summary>A function that hands a missing argument on.</summary>
    private static ExpressionFunction Strict(string signature, string summary, string example, string result, Func<FunctionArguments, ExpressionValue> body) =>
        new(signature, summary, example, result, (evaluation, call) =>
        {
            ExpressionValue[] values = new ExpressionValue[call.Arguments.Count];
            for (int i = 0; i < values.Length; i++)
            {
                values[i] = evaluation.Evaluate(call.Arguments[i]);
                if (values[i].IsMissing)
                {
                    return default;
                }

                evaluation.SpendOn(values[i], call);
            }

            return body(new FunctionArguments(evaluation, call, values));
        });

    private static ExpressionValue Coalesce(Evaluation evaluation, CallExpression call)
    {
        ExpressionValue value = default;
        for (int i = 0; i < call.Arguments.Count && value.IsMissingOrNull; i++)
        {
            value = evaluation.Evaluate(call.Arguments[i]);
        }

        return value;
    }

    private static ExpressionValue Empty(Evaluation evaluation, CallExpression call)
    {
        ExpressionValue value = evaluation.Evaluate(call.Arguments[0]);
        return ExpressionValue.Of(value.IsMissingOrNull
            || (value.Kind is System.Text.Json.JsonValueKind.String or System.Text.Json.JsonValueKind.Array or System.Text.Json.JsonValueKind.Object && value.Count == 0));
    }
}
