using Microsoft.AspNetCore.Http.HttpResults;

namespace LlmWorkflow.Simulator.Control;

internal static class BehaviorEndpoints
{
    private const string Route = "/_control/behavior";

    public static void MapBehavior(this IEndpointRouteBuilder routes)
    {
        routes.MapGet(Route, Show);
        routes.MapPut(Route, ReplaceAsync);
        routes.MapDelete(Route, (BehaviorBook behaviors) =>
        {
            behaviors.Replace([]);
            return TypedResults.NoContent();
        });
    }

    private static JsonHttpResult<Behavior[]> Show(BehaviorBook behaviors) =>
        TypedResults.Json(behaviors.Current, SimulatorJson.Wire.BehaviorArray);

    private static async Task<IResult> ReplaceAsync(HttpRequest request, BehaviorBook behaviors, CancellationToken cancellation)
    {
        using var body = new StreamReader(request.Body);
        var (read, errors) = BehaviorReader.Read(await body.ReadToEndAsync(cancellation));
        if (errors.Count > 0)
        {
            return Refuse(errors);
        }

        behaviors.Replace(read);
        return Show(behaviors);
    }

    public static IResult Refuse(IReadOnlyList<string> errors) => TypedResults.Json(
        ControlProblem.Of(errors), SimulatorJson.Wire.ControlProblem, "application/problem+json", StatusCodes.Status400BadRequest);
}
