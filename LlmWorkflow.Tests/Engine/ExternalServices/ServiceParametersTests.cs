using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.ExternalServices;
using static LlmWorkflow.Tests.Engine.ExternalServices.ServiceFiles;

namespace LlmWorkflow.Tests.Engine.ExternalServices;

public sealed class ServiceParametersTests
{
    private const string Place = """
        "lat": { "type": "number", "minimum": -90, "maximum": 90 }, "lng": { "type": "number", "aliases": ["lon"] }, "q": { "type": "string" }
        """;

    [Theory]
    [InlineData("\"a\": { \"type\": \"number\" }", "{\"a\":\"2.5\"}", "{\"a\":2.5}")]
    [InlineData("\"a\": { \"type\": \"integer\" }", "{\"a\":\" 3\"}", "{\"a\":3}")]
    [InlineData("\"a\": { \"type\": \"integer\" }", "{\"a\":3.0}", "{\"a\":3}")]
    [InlineData("\"a\": { \"type\": \"string\" }", "{\"a\":89501}", "{\"a\":\"89501\"}")]
    [InlineData("\"a\": { \"type\": \"boolean\" }", "{\"a\":\"true\"}", "{\"a\":true}")]
    [InlineData("\"a\": { \"type\": \"array\" }", "{\"a\":\"x\"}", "{\"a\":[\"x\"]}")]
    [InlineData("\"a\": { \"type\": \"array\", \"items\": { \"type\": \"integer\" } }", "{\"a\":[\"1\",2]}", "{\"a\":[1,2]}")]
    [InlineData("\"a\": { \"type\": \"array\", \"items\": { \"type\": \"object\" } }", "{\"a\":{\"x\":1}}", "{\"a\":[{\"x\":1}]}")]
    [InlineData("\"a\": { \"type\": [\"number\", \"string\"] }", "{\"a\":\"5\"}", "{\"a\":\"5\"}")]
    [InlineData("\"a\": { \"default\": 5 }", "{}", "{\"a\":5}")]
    [InlineData("\"a\": { \"default\": 5 }", "{\"a\":null}", "{\"a\":5}")]
    [InlineData("\"a\": { \"aliases\": [\"b\", \"c\"] }", "{\"c\":1}", "{\"a\":1}")]
    [InlineData("\"a\": { \"aliases\": [\"b\"] }", "{\"a\":null,\"b\":1}", "{\"a\":1}")]
    [InlineData("\"a\": { \"aliases\": [\"b\"] }", "{\"a\":2,\"b\":1}", "{\"a\":2}")]
    [InlineData("\"a\": {}", "{\"a\":[{\"x\":null}]}", "{\"a\":[{\"x\":null}]}")]
    public void Check_Given_BecomesWhatIsMeant(string properties, string given, string values) => Assert.Equal(values, Check(properties, "", given));

    [Theory]
    [InlineData("\"a\": { \"type\": \"number\", \"minimum\": 1, \"maximum\": 5 }", "{\"a\":6}", "'a' must be a number from 1 to 5, but is 6")]
    [InlineData("\"a\": { \"type\": \"integer\" }", "{\"a\":2.5}", "'a' must be an integer, but is 2.5")]
    [InlineData("\"a\": { \"type\": \"integer\" }", "{\"a\":\"many\"}", "'a' must be an integer, but is \"many\"")]
    [InlineData("\"a\": { \"enum\": [\"yes\", \"no\"] }", "{\"a\":\"maybe\"}", "'a' must be one of: yes, no, but is \"maybe\"")]
    [InlineData("\"a\": { \"type\": \"array\", \"maxItems\": 2 }", "{\"a\":[1,2,3]}", "'a' must be an array of at most 2 items, but is [1,2,3]")]
    [InlineData("\"a\": { \"type\": \"string\", \"minLength\": 1 }", "{\"a\":\"\"}", "'a' must be a string of at least 1 characters, but is \"\"")]
    [InlineData("\"a\": { \"type\": \"string\", \"pattern\": \"^x\" }", "{\"a\":\"y\"}", "'a' must be a string that matches ^x, but is \"y\"")]
    [InlineData("\"a\": { \"type\": \"object\", \"properties\": { \"b\": { \"type\": \"number\" } } }", "{\"a\":{\"b\":\"x\"}}", "'a' must be an object, but is {\"b\":\"x\"} ('b' must be a number)")]
    [InlineData("\"a\": { \"type\": \"array\", \"items\": { \"type\": \"string\" } }", "{\"a\":[true]}", "'a' must be an array of strings, but is [true]")]
    public void Check_WrongValue_SaysWhatIsAllowed(string properties, string given, string message) => Assert.Contains(message, Problem(properties, "", given));

    [Fact]
    public void Check_SeveralProblems_AreToldAtOnce()
    {
        var message = Problem(Place, ", \"required\": [\"q\"]", """{"lat":91,"colour":1}""");

        Assert.Equal(
            "mine.get: 'colour' is unknown; known are lat, lng, q; 'q' is required (a string); 'lat' must be a number from -90 to 90, but is 91.", message);
    }

    [Theory]
    [InlineData("{}", true)]
    [InlineData("{\"lat\":1}", true)]
    [InlineData("{\"q\":null}", true)]
    [InlineData("{\"q\":\"Reno\"}", false)]
    [InlineData("{\"lat\":1,\"lon\":2}", false)]
    [InlineData("{\"lat\":1,\"q\":\"Reno\"}", false)]
    public void Check_AnyOf_IsToldInPlainWords(string given, bool isMissing)
    {
        const string AnyOf = ", \"anyOf\": [{ \"required\": [\"q\"] }, { \"required\": [\"lat\", \"lng\"] }]";

        if (isMissing)
        {
            Assert.Equal("mine.get: give q, or lat and lng.", Problem(Place, AnyOf, given));
        }
        else
        {
            Assert.NotEmpty(Check(Place, AnyOf, given));
        }
    }

    [Fact]
    public void Check_RuleBetweenParameters_IsKept() =>
        Assert.Contains("break a rule", Problem(Place, ", \"not\": { \"required\": [\"lat\", \"q\"] }", """{"lat":1,"q":"x"}"""));

    private static string Check(string properties, string rules, string given)
    {
        var service = Of($"\"parameters\": {{ \"properties\": {{ {properties} }}{rules} }}");
        return ServiceParameters.Check("mine", "get", service.Operations["get"], Values(given)).GetRawText();
    }

    private static string Problem(string properties, string rules, string given)
    {
        var error = Assert.Throws<WorkflowException>(() => Check(properties, rules, given)).Error;
        Assert.Equal((ErrorTypes.InvalidParameter, ErrorCategory.Config), (error.Type, error.Category));
        return error.Message;
    }
}
