using System.Text.Json;
using LlmWorkflow.Engine.Transforms;

namespace LlmWorkflow.Tests.Engine.Transforms;

public sealed class TransformTableTests
{
    public static TheoryData<string> Names => [.. TransformCatalog.Names];

    [Fact]
    public void All_Operations_AreThoseOfTheLanguage() => Assert.Equal(
        [
            "extract_fields", "filter", "map", "join", "sort", "unique", "regex_extract", "markdown_to_json", "template", "merge", "parse_json", "flatten", "limit",
            "group_by", "pick",
        ],
        TransformCatalog.All.Select(transform => transform.Name));

    [Theory]
    [MemberData(nameof(Names))]
    public void Parameters_EachOne_IsDescribedConsistently(string name)
    {
        Transform transform = TransformCatalog.Find(name)!;

        Assert.NotEmpty(transform.Doc);
        Assert.All(transform.ExactlyOneOf, alternative => Assert.Contains(transform.Parameters, parameter => parameter.Name == alternative && !parameter.IsRequired));
        Assert.Equal(transform.Parameters.Count, transform.Parameters.DistinctBy(parameter => parameter.Name).Count());
        Assert.All(transform.Parameters, parameter =>
        {
            Assert.NotEmpty(parameter.Doc);
            Assert.False(parameter.Doc.EndsWith('.'));
            Assert.NotEqual("input", parameter.Name);
            Assert.Equal(parameter.Kind == TransformParameterKind.Choice, parameter.Choices.Count > 0);
            Assert.False(parameter.IsRequired && parameter.Default is not null);
            if (parameter.Default is { } json)
            {
                JsonElement value = JsonElement.Parse(json);
                Assert.True(parameter.Choices.Count == 0 || parameter.Choices.Contains(value.GetString()!));
                Assert.True(parameter.Kind != TransformParameterKind.WholeNumber || (value.GetInt32() >= parameter.Minimum && value.GetInt32() <= parameter.Maximum));
            }
        });
    }
}
