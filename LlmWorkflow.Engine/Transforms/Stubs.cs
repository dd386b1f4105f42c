using System.Text.Json;

namespace LlmWorkflow.Engine.Transforms;

internal static class CollectionTransforms
{
    public static JsonElement Filter(TransformCall call) => throw call.Fault("not there yet", default);

    public static JsonElement Map(TransformCall call) => throw call.Fault("not there yet", default);

    public static JsonElement Unique(TransformCall call) => throw call.Fault("not there yet", default);

    public static JsonElement Flatten(TransformCall call) => throw call.Fault("not there yet", default);

    public static JsonElement Limit(TransformCall call) => throw call.Fault("not there yet", default);

    public static JsonElement GroupBy(TransformCall call) => throw call.Fault("not there yet", default);
}

internal static class TextTransforms
{
    public static JsonElement Join(TransformCall call) => throw call.Fault("not there yet", default);

    public static JsonElement Template(TransformCall call) => throw call.Fault("not there yet", default);
}

internal static class SortTransform
{
    public static JsonElement Apply(TransformCall call) => throw call.Fault("not there yet", default);
}

internal static class RegexExtract
{
    public static JsonElement Apply(TransformCall call) => throw call.Fault("not there yet", default);
}

internal static class MergeTransform
{
    public static JsonElement Apply(TransformCall call) => throw call.Fault("not there yet", default);
}

internal static class JsonTransforms
{
    public static JsonElement Parse(TransformCall call) => throw call.Fault("not there yet", default);

    public static JsonElement Pick(TransformCall call) => throw call.Fault("not there yet", default);
}
