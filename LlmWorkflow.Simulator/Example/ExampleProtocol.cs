using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LlmWorkflow.Simulator.Completions;
using LlmWorkflow.Simulator.Ledger;
using LlmWorkflow.Simulator.Services;

namespace LlmWorkflow.Simulator.Example;

/// <summary>
/// An API as many are, for the service file that is a template: bearer key, pages with a token, errors as <c>{error: {code, message}}</c>.
/// Under <c>/example/v1</c>: <c>GET /items</c>, <c>GET /items/{id}</c>, <c>POST /items</c>, <c>GET /status</c>. It keeps nothing that is posted.
/// </summary>
internal sealed class ExampleProtocol() : ServiceProtocol("http_example", "/example/v1")
{
    private const int Items = 45;
    private const int DefaultLimit = 20;
    private const int LargestLimit = 100;
    private const string ItemsPath = "/items";

    private static readonly string[] Sizes = ["Small", "Medium", "Large"];
    private static readonly string[] Things = ["Lantern", "Rope", "Water Filter", "First Aid Kit", "Blanket", "Radio", "Stove", "Tent", "Compass", "Whistle"];

    // The usual status of each code; the first with a status is its usual code.
    private static readonly (string Code, int Status, string Message)[] Errors =
    [
        ("invalid_request", 400, "The request is not valid."), ("unauthorized", 401, "The key is missing or not known."), ("forbidden", 403, "The key may not do this."),
        ("not_found", 404, "There is no such thing."), ("conflict", 409, "It exists already."), ("rate_limited", 429, "Too many requests."),
        ("internal", 500, "Something went wrong."), ("unavailable", 503, "The service is not available now."),
    ];

    public override string? KeyOf(HttpRequest request) => ApiKeys.Bearer(request);

    public override ServiceAnswer Answer(ServiceRequest request) => request switch
    {
        { Key: null } => Refuse("unauthorized", "Send the key as 'Authorization: Bearer KEY'."),
        { Key: { } key } when !ApiKeys.IsKnown(key) => Refuse("unauthorized"),
        { Method: "GET", Path: ItemsPath } => List(request),
        { Method: "POST", Path: ItemsPath } => Create(request.Body),
        { Method: "GET", Path: "/status" } => ServiceAnswer.Ok(new JsonObject { ["status"] = "ok" }),
        { Method: "GET", Path: var path } when path.StartsWith(ItemsPath + "/", StringComparison.Ordinal) => Find(path[(ItemsPath.Length + 1)..]),
        _ => Refuse("not_found"),
    };

    public override ServiceAnswer Error(int? status, string? code, string? note)
    {
        var known = Errors.FirstOrDefault(error => code is null ? error.Status == status : error.Code == code);
        var message = known.Message ?? "Something went wrong.";
        var found = status ?? (known.Status == 0 ? StatusCodes.Status500InternalServerError : known.Status);
        return Of(found, code ?? known.Code ?? (found < 500 ? "invalid_request" : "internal"), note is null ? message : $"{message} {note}");
    }

    public override JsonObject ErrorUnder200(string? code, string? note) => new()
    {
        ["status"] = "failed",
        ["message"] = $"{(code is null ? "" : $"{code}: ")}The request was taken, but could not be done.{(note is null ? "" : $" {note}")}",
    };

    private static ServiceAnswer List(ServiceRequest request)
    {
        var limit = DefaultLimit;
        if (request.Query("limit") is { } given && (!int.TryParse(given, NumberStyles.None, CultureInfo.InvariantCulture, out limit) || limit is < 1 or > LargestLimit))
        {
            return Refuse("invalid_request", $"'limit' must be a number from 1 to {LargestLimit}.");
        }

        var begin = 0;
        if (request.Query("page_token") is { } token
            && (!Base64Url.IsValid(token) || !int.TryParse(Encoding.UTF8.GetString(Base64Url.DecodeFromChars(token)), NumberStyles.None, CultureInfo.InvariantCulture, out begin)))
        {
            return Refuse("invalid_request", "'page_token' is none that was given out.");
        }

        var end = Math.Min(Items, (long)begin + limit);
        var page = new JsonObject { ["items"] = new JsonArray([.. Enumerable.Range(begin + 1, (int)Math.Max(0, end - begin)).Select(Item)]) };
        if (end < Items)
        {
            page["next_page_token"] = Base64Url.EncodeToString(Encoding.UTF8.GetBytes(end.ToString(CultureInfo.InvariantCulture)));
        }

        return ServiceAnswer.Ok(page);
    }

    private static ServiceAnswer Find(string id) =>
        Enumerable.Range(1, Items).FirstOrDefault(number => Id(number) == id) is > 0 and var found ? ServiceAnswer.Ok(Item(found)) : Refuse("not_found", "There is no item with that id.");

    private static ServiceAnswer Create(string body)
    {
        try
        {
            if (JsonNode.Parse(body) is JsonObject item)
            {
                return item["name"] is not JsonValue name || name.GetValueKind() is not JsonValueKind.String || string.IsNullOrWhiteSpace(name.GetValue<string>())
                    ? Refuse("invalid_request", "'name' is missing: a text that is not blank.")
                    : item["price"] is { } price && price.GetValueKind() is not JsonValueKind.Number
                        ? Refuse("invalid_request", "'price' must be a number.")
                        : new ServiceAnswer(
                            StatusCodes.Status201Created,
                            new JsonObject { ["id"] = $"item-{PromptHash.Of(body).ToString()[..8]}", ["name"] = name.DeepClone(), ["price"] = item["price"]?.DeepClone() ?? 0 });
            }
        }
        catch (JsonException)
        {
            // As any other body that is no object.
        }

        return Refuse("invalid_request", "The body must be a JSON object with 'name' and 'price'.");
    }

    private static string Id(int number) => string.Create(CultureInfo.InvariantCulture, $"item-{number:000}");

    private static JsonObject Item(int number) => new()
    {
        ["id"] = Id(number),
        ["name"] = $"{Sizes[number % Sizes.Length]} {Things[number % Things.Length]}",
        ["price"] = Math.Round(4.5 + (number * 1.25), 2),
    };

    private static ServiceAnswer Refuse(string code, string? message = null)
    {
        var known = Array.Find(Errors, error => error.Code == code);
        return Of(known.Status, code, message ?? known.Message);
    }

    private static ServiceAnswer Of(int status, string code, string message) =>
        new(status, new JsonObject { ["error"] = new JsonObject { ["code"] = code, ["message"] = message } });
}
