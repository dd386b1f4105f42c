using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;

namespace LlmWorkflow.Tests.Engine.Transforms;

/// <summary>Random JSON from a small world, so that equal values and equal names come often.</summary>
internal static class RandomJson
{
    public static Config Config { get; } = Config.QuickThrowOnFailure.WithMaxTest(300).WithEndSize(30);

    public static Gen<string> Scalar { get; } = Gen.Elements(
        "null", "true", "false", "0", "-0", "1", "1.0", "10e-1", "2", "-3.5", "1e400", "123456789012345678901234567890", "9007199254740993", "9007199254740992",
        "\"\"", "\"a\"", "\"b\"", "\"B\"", "\"10\"", "\"é\"");

    public static Arbitrary<JsonElement> Arrays() => List(Value(3)).Select(json => JsonElement.Parse(json)).ToArbitrary();

    public static Arbitrary<JsonElement> Scalars() => List(Scalar).Select(json => JsonElement.Parse(json)).ToArbitrary();

    public static Arbitrary<JsonElement> Objects() => Object(Value(3)).Select(json => JsonElement.Parse(json)).ToArbitrary();

    /// <summary>Objects in which a name always holds the same kind of value.</summary>
    public static Arbitrary<JsonElement> ObjectsOfOneShape() => Shape(3).Select(json => JsonElement.Parse(json)).ToArbitrary();

    private static Gen<string> Value(int depth) => depth == 0 ? Scalar : Gen.OneOf(Scalar, Scalar, List(Value(depth - 1)), Object(Value(depth - 1)));

    private static Gen<string> List(Gen<string> item) => Gen.Choose(0, 6).SelectMany(count => Gen.ArrayOf(item, count)).Select(items => $"[{string.Join(",", items)}]");

    private static Gen<string> Object(Gen<string> value) =>
        from names in Gen.SubListOf("a", "b", "c", "d")
        from values in Gen.ArrayOf(value, names.Count)
        select $"{{{string.Join(",", names.Select((name, index) => $"\"{name}\":{values[index]}"))}}}";

    private static Gen<string> Shape(int depth) =>
        from names in depth == 0 ? Gen.SubListOf("s", "t") : Gen.SubListOf("s", "t", "o", "p")
        from inner in depth == 0 ? Gen.Constant(new[] { "0", "0" }) : Gen.ArrayOf(Shape(depth - 1), 2)
        from scalars in Gen.ArrayOf(Scalar, 2)
        select $"{{{string.Join(",", names.Select(name => $"\"{name}\":{name switch { "s" => scalars[0], "t" => scalars[1], "o" => inner[0], _ => inner[1] }}"))}}}";
}
