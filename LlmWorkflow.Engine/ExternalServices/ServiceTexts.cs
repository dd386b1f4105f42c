using System.Globalization;
using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Engine.ExternalServices;

/// <summary>Parses the expressions of a service's operation, and notes those that are wrong or read what is not there.</summary>
/// <param name="parameters">The operation's parameters.</param>
/// <param name="hasPages">Whether it has pages: only then there is a <c>page</c>.</param>
/// <param name="faults">Takes what is wrong.</param>
internal sealed class ServiceTexts(ParameterSchema parameters, bool hasPages, List<FileFault> faults)
{
    private static readonly string[] s_page = ["number", "offset", "next"];

    /// <summary>What a request can read.</summary>
    public IReadOnlyList<string> RequestRoots { get; } = hasPages ? ["params", "page"] : ["params"];

    /// <summary>Members of <c>page</c> that were read.</summary>
    public HashSet<string> PageReads { get; } = new(StringComparer.Ordinal);

    /// <summary>An expression without <c>${}</c>, or with one around the whole; null when there is none, or it is wrong.</summary>
    /// <param name="value">What stands there; Undefined: nothing.</param>
    /// <param name="path">Where.</param>
    /// <param name="roots">What it can read.</param>
    public Expression? Bare(JsonElement value, IReadOnlyList<string> path, IReadOnlyCollection<string> roots)
    {
        if (value.ValueKind == JsonValueKind.Undefined)
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.String)
        {
            faults.Add(new(path, FileFaultKind.InvalidValue, "must be an expression"));
            return null;
        }

        var text = value.GetString()!;
        // Positions count from behind the white space in front.
        var from = text.Length - text.TrimStart().Length;
        return Parsed(() => [ExpressionParser.ParseBare(text)], path, from, roots) is [var expression] ? expression : null;
    }

    /// <summary>The expressions of a text with <c>${}</c> in it.</summary>
    public IReadOnlyList<Expression> Text(string text, IReadOnlyList<string> path, IReadOnlyCollection<string> roots) =>
        Parsed(() => [.. Template.Parse(text).Expressions], path, 0, roots);

    /// <summary>Checks every text of a JSON value.</summary>
    public void Value(JsonElement value, IReadOnlyList<string> path, IReadOnlyCollection<string> roots)
    {
        foreach (var (_, text, at) in TextsOf(value, path))
        {
            Text(text, at, roots);
        }
    }

    /// <summary>Notes texts of a JSON value that are expressions but for the <c>${}</c> around them, which is not needed elsewhere in the file.</summary>
    public void Bracketed(JsonElement value, IReadOnlyList<string> path, IReadOnlyCollection<string> roots)
    {
        foreach (var (_, whole, at) in TextsOf(value, path))
        {
            var text = whole.Trim();
            if (roots.FirstOrDefault(root => text.StartsWith(root, StringComparison.Ordinal)) is { } root && (text.Length == root.Length || text[root.Length] is '.' or '['))
            {
                faults.Add(new(at, FileFaultKind.InvalidExpression, "is a text and not what it names", $"Write \"${{{text}}}\"."));
            }
        }
    }

    /// <summary>Every text of a JSON value, in order, with the name of its member (empty: it has none) and where it stands.</summary>
    public static IEnumerable<(string Name, string Text, IReadOnlyList<string> Path)> TextsOf(JsonElement value, IReadOnlyList<string> path, string name = "") => value.ValueKind switch
    {
        JsonValueKind.String => [(name, value.GetString()!, path)],
        JsonValueKind.Object => value.EnumerateObject().SelectMany(property => TextsOf(property.Value, [.. path, property.Name], property.Name)),
        JsonValueKind.Array => value.EnumerateArray().Index()
            .SelectMany(item => TextsOf(item.Item, [.. path, item.Index.ToString(CultureInfo.InvariantCulture)])),
        _ => [],
    };

    /// <summary>The parameters that an expression reads; <paramref name="needed"/>: only where it does not cope when they are missing.</summary>
    public static IEnumerable<string> ParametersOf(Expression expression, bool needed = false) =>
        ExpressionReads.Of(expression).Where(read => !(needed && read.Absorbed)).Select(read => Parts(read.Path))
            .Where(parts => parts.Root.Name == "params" && parts.Member is not null).Select(parts => parts.Member!.Name);

    /// <summary>Whether an expression reads a root.</summary>
    public static bool Reads(Expression expression, string root) => ExpressionReads.Of(expression).Any(read => Parts(read.Path).Root.Name == root);

    private IReadOnlyList<Expression> Parsed(Func<IReadOnlyList<Expression>> parse, IReadOnlyList<string> path, int from, IReadOnlyCollection<string> roots)
    {
        try
        {
            var expressions = parse();
            foreach (var expression in expressions)
            {
                Check(expression, path, from, roots);
            }

            return expressions;
        }
        catch (ExpressionSyntaxException exception)
        {
            Add(FileFaultKind.InvalidExpression, $"holds a faulty expression: {exception.Message} at position {from + exception.Position + 1}", exception.Position);
            return [];
        }

        void Add(FileFaultKind kind, string problem, int position) => faults.Add(new(path, kind, problem) { Index = from + position });
    }

    private void Check(Expression expression, IReadOnlyList<string> path, int from, IReadOnlyCollection<string> roots)
    {
        // Replies are kept, and what a kept reply was asked with must not depend on the hour.
        foreach (var call in All(expression).OfType<CallExpression>().Where(call => call.Name == "now"))
        {
            Add(FileFaultKind.UnknownReference, "uses 'now()', which service files have not", "Give the time as a parameter.", call.Position);
        }

        // Such a comparison never holds, and nobody would notice.
        foreach (var literal in All(expression).OfType<BinaryExpression>().SelectMany(ComparedWithStatus).Where(literal => literal.Value.ValueKind != JsonValueKind.Number))
        {
            Add(FileFaultKind.InvalidExpression, $"compares 'status' with {literal}, which is no number", Number(literal), literal.Position);
        }

        foreach (var (root, member) in ExpressionReads.Of(expression).Select(read => Parts(read.Path)))
        {
            if (!roots.Contains(root.Name))
            {
                Add(FileFaultKind.UnknownReference, $"reads '{root.Name}', which there is not here", NearestNames.Suggest(root.Name, roots), root.Position);
            }
            else if (member is not null && root.Name == "params" && !parameters.Properties.ContainsKey(member.Name))
            {
                Add(FileFaultKind.UnknownParameter, $"reads the parameter '{member.Name}', which is not declared", NearestNames.Suggest(member.Name, [.. parameters.Properties.Keys]), member.Position);
            }
            else if (member is not null && root.Name == "page")
            {
                PageReads.Add(member.Name);
                if (!s_page.Contains(member.Name))
                {
                    Add(FileFaultKind.UnknownReference, $"reads 'page.{member.Name}', which there is not", NearestNames.Suggest(member.Name, s_page), member.Position);
                }
            }
        }

        void Add(FileFaultKind kind, string problem, string? suggestion, int position) => faults.Add(new(path, kind, problem, suggestion) { Index = from + position });
    }

    private static IEnumerable<Expression> All(Expression expression) => expression.Children.SelectMany(All).Append(expression);

    private static string Number(LiteralExpression status) =>
        status.Value.ValueKind == JsonValueKind.String && int.TryParse(status.Value.GetString(), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? string.Create(CultureInfo.InvariantCulture, $"Write {number}, without quotes.")
            : "Write the HTTP status as a number, such as 404.";

    private static IEnumerable<LiteralExpression> ComparedWithStatus(BinaryExpression comparison) => comparison switch
    {
        { Operator: BinaryOperator.In or BinaryOperator.NotIn, Left: NameExpression { Name: "status" }, Right: ArrayExpression list } => list.Items.OfType<LiteralExpression>(),
        { Operator: >= BinaryOperator.Equal and <= BinaryOperator.GreaterOrEqual, Left: NameExpression { Name: "status" }, Right: LiteralExpression right } => [right],
        { Operator: >= BinaryOperator.Equal and <= BinaryOperator.GreaterOrEqual, Left: LiteralExpression left, Right: NameExpression { Name: "status" } } => [left],
        _ => [],
    };

    private static (NameExpression Root, MemberExpression? Member) Parts(Expression path)
    {
        MemberExpression? member = null;
        while (true)
        {
            switch (path)
            {
                case MemberExpression next:
                    (member, path) = (next, next.Target);
                    break;
                case IndexExpression index:
                    (member, path) = (null, index.Target);
                    break;
                default:
                    return ((NameExpression)path, member);
            }
        }
    }
}
