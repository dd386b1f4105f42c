using System.Text;
using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.ExternalServices;
using static LlmWorkflow.Tests.Engine.ExternalServices.ServiceFiles;

namespace LlmWorkflow.Tests.Engine.ExternalServices;

public sealed class ServiceRequestTests
{
    private const string Names = """
        "parameters": { "properties": { "a": { "default": "x" }, "b": {}, "list": {}, "o": {} } }
        """;

    [Theory]
    [InlineData("\"${params.a}\"", "{\"a\":7}", "7")]
    [InlineData("\"${params.o}\"", "{\"o\":{\"z\":[1]}}", "{\"z\":[1]}")]
    [InlineData("{\"x\":\"${params.b}\",\"y\":1}", "{}", "{\"y\":1}")]
    [InlineData("{\"x\":\"is ${params.b}\",\"y\":null}", "{}", "{\"y\":null}")]
    [InlineData("{\"x\":{\"y\":\"${params.b}\"}}", "{}", "{\"x\":{}}")]
    [InlineData("[\"${params.b}\",\"${params.a}\"]", "{\"a\":1}", "[1]")]
    [InlineData("\"${params.list} and ${params.a}\"", "{\"list\":[1,\"b\",true],\"a\":2.5}", "\"1,b,true and 2.5\"")]
    [InlineData("\"$${params.a}\"", "{\"a\":1}", "\"${params.a}\"")]
    [InlineData("\"${params.a}\"", "{\"a\":\"${params.b}\",\"b\":1}", "\"${params.b}\"")]
    [InlineData("{\"x\":\"${length(params.list)}\",\"y\":\"${params.b ?? 'none'}\"}", "{\"list\":[1,2]}", "{\"x\":2,\"y\":\"none\"}")]
    public void Build_Body_IsTheFilledTemplate(string template, string parameters, string body) =>
        Assert.Equal(body, Encoding.UTF8.GetString(Build($"\"method\": \"POST\", \"body\": {template}, {Names}", parameters).Body!));

    [Fact]
    public void Build_BodyThatIsMissing_IsNone() => Assert.Null(Build($"\"method\": \"POST\", \"body\": \"${{params.b}}\", {Names}", "{}").Body);

    [Theory]
    [InlineData("a/../b c?#%", "/v1/p/a%2F..%2Fb%20c%3F%23%25")]
    [InlineData("ü", "/v1/p/%C3%BC")]
    [InlineData("..a", "/v1/p/..a")]
    public void Build_PathValue_IsOneSegment(string value, string path) =>
        Assert.Equal(path, Build($"\"path\": \"/p/${{params.a}}\", {Names}", JsonSerializer.Serialize(new Dictionary<string, string> { ["a"] = value })).Url.AbsolutePath);

    [Theory]
    [InlineData("..")]
    [InlineData(".")]
    [InlineData("")]
    public void Build_PathValueThatLeadsElsewhere_IsRefused(string value)
    {
        var error = Assert.Throws<WorkflowException>(() =>
            Build($"\"path\": \"/p/${{params.a}}/q\", {Names}", JsonSerializer.Serialize(new Dictionary<string, string> { ["a"] = value }))).Error;

        Assert.Equal((ErrorTypes.InvalidParameter, ErrorCategory.Config), (error.Type, error.Category));
    }

    [Fact]
    public void Build_QueryAndHeaders_LeaveOutWhatIsMissingOrNull()
    {
        var request = Build(
            $$"""
            "query": { "a": "${params.a}", "b": "x${params.b}", "list": "${params.list}", "t": "1 & 2" }, "headers": { "X-A": "${params.a}", "X-B": "${params.b}" }, {{Names}}
            """,
            """{"a":"r\r\nX-Evil: 1","b":null,"list":["x","y"]}""");

        Assert.Equal("?a=r%0D%0AX-Evil%3A%201&list=x%2Cy&t=1%20%26%202", request.Url.Query);
        Assert.Equal([KeyValuePair.Create("X-A", "r  X-Evil: 1")], request.Headers);
    }

    [Fact]
    public void Build_HeaderBeyondAscii_IsRefused() =>
        Assert.Contains("X-A", Assert.Throws<WorkflowException>(() => Build($"\"headers\": {{ \"X-A\": \"${{params.a}}\" }}, {Names}", "{\"a\":\"ü\"}")).Message);

    [Fact]
    public async Task Build_Form_IsEncoded()
    {
        var request = Build($$"""{{"\"method\": \"POST\", \"body_type\": \"form\""}}, "body": { "a b": "${params.a}", "list": "${params.list}", "b": "${params.b}" }, {{Names}}""", """{"a":"1&2","list":[1,2]}""");

        using var message = request.ToMessage();
        Assert.Equal("application/x-www-form-urlencoded", message.Content!.Headers.ContentType!.MediaType);
        Assert.Equal("a%20b=1%262&list=1%2C2", await message.Content.ReadAsStringAsync());
    }

    [Fact]
    public void ToMessage_OwnAcceptAndContentType_ReplaceTheUsual()
    {
        using var message = Build("\"method\": \"POST\", \"body\": {}, \"headers\": { \"Accept\": \"application/vnd.api+json\", \"Content-Type\": \"application/vnd.api+json\" }", "{}").ToMessage();

        Assert.Equal("application/vnd.api+json", message.Content!.Headers.ContentType!.ToString());
        Assert.Equal("application/vnd.api+json", Assert.Single(message.Headers.Accept).ToString());
    }

    [Theory]
    [InlineData("\"in\": \"bearer\"", "", "Authorization", "Bearer k3y")]
    [InlineData("\"in\": \"header\", \"name\": \"X-Key\", \"prefix\": \"Token \"", "", "X-Key", "Token k3y")]
    [InlineData("\"in\": \"query\", \"name\": \"key\"", "?key=k3y", null, null)]
    public void Build_Auth_PutsTheKeyInItsPlace(string auth, string query, string? header, string? value)
    {
        var service = Of("", $$"""{{"\"auth\""}}: { {{auth}}, "variables": ["A_API_KEY", "B_API_TOKEN"] },""");

        var request = ServiceRequest.Build(service, "get", Json("{}"), null, name => name == "B_API_TOKEN" ? " k3y\n" : null);

        Assert.Equal(query, request.Url.Query);
        Assert.Equal(header is null ? [] : [KeyValuePair.Create(header, value!)], request.Headers);
        Assert.Equal(("k3y", 16, false), (request.Key, request.Credential.Length, request.Credential.Contains("k3y", StringComparison.Ordinal)));
    }

    [Fact]
    public void Build_MissingKey_NamesTheVariables()
    {
        var service = Of("", "\"auth\": { \"in\": \"bearer\", \"variables\": [\"A_API_KEY\", \"B_API_TOKEN\"] },");

        var error = Assert.Throws<WorkflowException>(() => ServiceRequest.Build(service, "get", Json("{}"), null, _ => null)).Error;

        Assert.Equal((ErrorTypes.MissingSetting, ErrorCategory.Config), (error.Type, error.Category));
        Assert.Contains("A_API_KEY or B_API_TOKEN", error.Message);
    }

    [Theory]
    [InlineData("abc\r\nX: 1")]
    [InlineData("abc\u0000")]
    [InlineData("kéy")]
    public void Build_KeyThatNoHeaderCanHold_NamesTheVariableAndNotTheKey(string key)
    {
        var service = Of("", "\"auth\": { \"in\": \"bearer\", \"variables\": [\"A_API_KEY\"] },");

        var error = Assert.Throws<WorkflowException>(() => ServiceRequest.Build(service, "get", Json("{}"), null, _ => key)).Error;

        Assert.Equal((ErrorTypes.InvalidSetting, ErrorCategory.Config, false), (error.Type, error.Category, error.Retryable));
        Assert.Contains("A_API_KEY", error.Message);
        Assert.DoesNotContain(key, error.Message);
    }

    [Fact]
    public void Build_Variant_IsTheFirstThatHoldsAndKeepsTheRest()
    {
        const string Operation = """
            "path": "/a", "query": { "q": "${params.a}" },
            "variants": [{ "when": "params.a == 'one'", "path": "/b" }, { "when": "exists(params.b)", "query": {} }],
            "parameters": { "properties": { "a": {}, "b": {} } }
            """;

        Assert.Equal("/v1/b?q=one", Build(Operation, """{"a":"one","b":1}""").Url.PathAndQuery);
        Assert.Equal("/v1/a", Build(Operation, """{"a":"two","b":1}""").Url.PathAndQuery);
        Assert.Equal("/v1/a?q=two", Build(Operation, """{"a":"two"}""").Url.PathAndQuery);
    }

    [Fact]
    public void Build_BaseUrlVariable_IsTrustedAndKeepsItsPath()
    {
        var service = Of("", "\"base_url_variable\": \"MINE_BASE_URL\",");

        var request = ServiceRequest.Build(service, "get", Json("{}"), null, _ => "http://127.0.0.1:9/prefix/");

        Assert.Equal(("http://127.0.0.1:9/prefix/x", true), (request.Url.AbsoluteUri, request.Trusted));
        Assert.False(ServiceRequest.Build(service, "get", Json("{}"), null, _ => null).Trusted);
    }

    private static ServiceRequest Build(string operation, string parameters) => ServiceRequest.Build(Of(operation), "get", Json(parameters), null, _ => null);
}
