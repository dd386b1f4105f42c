using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.ExternalServices;
using LlmWorkflow.Tests.Engine.Definitions;
using NJsonSchema;

namespace LlmWorkflow.Tests.Engine.ExternalServices;

public sealed class ServiceFileReaderTests
{
    private static readonly Lazy<JsonSchema> s_schema = new(() =>
        JsonSchema.FromJsonAsync(File.ReadAllText(Path.Combine(ShippedWorkflows.Directory, "service.schema.json"))).GetAwaiter().GetResult());

    /// <summary>What is replaced in the good file, by what; code, pointer and line of the one issue; whether the schema for editors finds it too.</summary>
    public static TheoryData<string, string, string, string, int, bool> Faults => new()
    {
        // The service.
        { "\"timeout_seconds\": 10", "\"timeout\": 10", IssueCodes.UnknownProperty, "/timeout", 6, true },
        { "\"name\": \"mine\"", "\"name\": \"other\"", IssueCodes.NameMismatch, "/name", 2, false },
        { "\"name\": \"mine\"", "\"name\": \"My Service\"", IssueCodes.InvalidName, "/name", 2, true },
        { "\"name\": \"mine\",\n", "\n", IssueCodes.MissingProperty, "/name", 1, true },
        { "\"timeout_seconds\": 10", "\"timeout_seconds\": 0", IssueCodes.InvalidValue, "/timeout_seconds", 6, true },
        { "\"timeout_seconds\": 10", "\"timeout_seconds\": \"10\"", IssueCodes.InvalidValue, "/timeout_seconds", 6, true },
        { "\"timeout_seconds\": 10", "\"timeout_seconds\": 601", IssueCodes.InvalidValue, "/timeout_seconds", 6, true },
        { "https://api.example.com/v1", "ftp://api.example.com", IssueCodes.InvalidValue, "/base_url", 3, true },
        { "https://api.example.com/v1", "/v1", IssueCodes.InvalidValue, "/base_url", 3, true },
        { "https://api.example.com/v1", "https://me:pw@api.example.com", IssueCodes.InvalidValue, "/base_url", 3, true },
        { "https://api.example.com/v1", "https://api.example.com?x=1", IssueCodes.InvalidValue, "/base_url", 3, true },
        { "https://api.example.com/v1", "https://api.example.com#x", IssueCodes.InvalidValue, "/base_url", 3, true },
        { "https://api.example.com/v1", "http://127.0.0.1:9/v1", IssueCodes.InvalidValue, "/base_url", 3, false },
        { "https://api.example.com/v1", "http://localhost", IssueCodes.InvalidValue, "/base_url", 3, false },
        { "MINE_BASE_URL", "MINE_URL", IssueCodes.InvalidName, "/base_url_variable", 4, true },
        { "MINE_API_KEY", "DATABASE_URL", IssueCodes.InvalidName, "/auth/variables/0", 5, true },
        { "MINE_API_KEY", "OPENAI_API_KEY", IssueCodes.InvalidName, "/auth/variables/0", 5, false },
        { "[\"MINE_API_KEY\"]", "[]", IssueCodes.InvalidValue, "/auth/variables", 5, true },
        { "\"in\": \"header\"", "\"in\": \"cookie\"", IssueCodes.InvalidValue, "/auth/in", 5, true },
        { "\"in\": \"header\"", "\"in\": \"bearer\"", IssueCodes.ConflictingProperties, "/auth/name", 5, true },
        { "\"name\": \"X-Api-Key\", ", "", IssueCodes.MissingProperty, "/auth/name", 5, true },
        { "X-Api-Key", "X Api Key", IssueCodes.InvalidValue, "/auth/name", 5, false },
        { "X-Api-Key", "Host", IssueCodes.InvalidValue, "/auth/name", 5, false },
        { "\"timeout_seconds\": 10", "\"retry\": { \"max_attempts\": 11 }", IssueCodes.InvalidValue, "/retry/max_attempts", 6, true },
        { "\"timeout_seconds\": 10", "\"retry\": { \"attempts\": 1 }", IssueCodes.UnknownProperty, "/retry/attempts", 6, true },
        { "\"timeout_seconds\": 10", "\"retry\": { \"max_delay_seconds\": 0.1 }", IssueCodes.InvalidValue, "/retry/max_delay_seconds", 6, false },
        { "\"timeout_seconds\": 10", "\"circuit_breaker\": { \"failure_ratio\": 0 }", IssueCodes.InvalidValue, "/circuit_breaker/failure_ratio", 6, true },
        { "\"timeout_seconds\": 10", "\"circuit_breaker\": { \"minimum_calls\": 1 }", IssueCodes.InvalidValue, "/circuit_breaker/minimum_calls", 6, true },
        { "\"timeout_seconds\": 10", "\"rate_limit\": { \"per_seconds\": 1 }", IssueCodes.MissingProperty, "/rate_limit/requests", 6, true },
        { "\"timeout_seconds\": 10", "\"rate_limit\": { \"requests\": 1, \"burst\": 0 }", IssueCodes.InvalidValue, "/rate_limit/burst", 6, true },
        { "\"timeout_seconds\": 10", "\"max_response_bytes\": 100000000", IssueCodes.InvalidValue, "/max_response_bytes", 6, true },
        { "\"timeout_seconds\": 10", "\"cache_ttl_seconds\": -1", IssueCodes.InvalidValue, "/cache_ttl_seconds", 6, true },
        { "\"timeout_seconds\": 10", "\"stale_if_error_seconds\": 2592001", IssueCodes.InvalidValue, "/stale_if_error_seconds", 6, true },
        { "\"timeout_seconds\": 10", "\"allow_private_addresses\": 1", IssueCodes.InvalidValue, "/allow_private_addresses", 6, true },
        { "\"timeout_seconds\": 10", "\"redirect_hosts\": [\"http://x.example\"]", IssueCodes.InvalidValue, "/redirect_hosts/0", 6, true },
        { "\"timeout_seconds\": 10", "\"redirect_hosts\": [\"*.\"]", IssueCodes.InvalidValue, "/redirect_hosts/0", 6, true },
        { "\"timeout_seconds\": 10", "\"errors\": [{ \"type\": \"RateLimited\" }]", IssueCodes.MissingProperty, "/errors/0/when", 6, true },
        { "\"find\": {", "\"Find!\": {", IssueCodes.InvalidName, "/operations/Find!", 8, false },

        // The request.
        { "\"POST\"", "\"FETCH\"", IssueCodes.InvalidValue, "/operations/find/method", 9, true },
        { "\"POST\"", "\"GET\"", IssueCodes.ConflictingProperties, "/operations/find/body", 13, false },
        { "\"/things/${params.kind}\"", "\"things\"", IssueCodes.InvalidValue, "/operations/find/path", 10, true },
        { "\"/things/${params.kind}\"", "\"/things?x=1\"", IssueCodes.InvalidValue, "/operations/find/path", 10, false },
        { "\"/things/${params.kind}\"", "\"/a/../b\"", IssueCodes.InvalidValue, "/operations/find/path", 10, false },
        { "\"/things/${params.kind}\"", "\"/things/${params.q}\"", IssueCodes.InvalidValue, "/operations/find/path", 10, false },
        { "\"${params.q}\"", "\"${params.q\"", IssueCodes.InvalidExpression, "/operations/find/query/q", 11, false },
        { "\"${params.q}\"", "\"${parms.q}\"", IssueCodes.UnknownReference, "/operations/find/query/q", 11, false },
        { "\"${params.q}\"", "\"${input.q}\"", IssueCodes.UnknownReference, "/operations/find/query/q", 11, false },
        { "\"${params.q}\"", "\"${response.q}\"", IssueCodes.UnknownReference, "/operations/find/query/q", 11, false },
        { "\"${params.q}\"", "\"${params.quary}\"", IssueCodes.UnknownParameter, "/operations/find/query/q", 11, false },
        { "\"${params.q}\"", "\"${now()}\"", IssueCodes.UnknownReference, "/operations/find/query/q", 11, false },
        { "\"${params.q}\"", "\"${page.numbr}\"", IssueCodes.UnknownReference, "/operations/find/query/q", 11, false },
        { "\"${params.q}\"", "5", IssueCodes.InvalidValue, "/operations/find/query/q", 11, true },
        { "\"X-Trace\": \"a\"", "\"x-api-key\": \"a\"", IssueCodes.ConflictingProperties, "/operations/find/headers/x-api-key", 12, false },
        { "\"X-Trace\": \"a\"", "\"X-Trace\": \"é\"", IssueCodes.InvalidValue, "/operations/find/headers/X-Trace", 12, false },
        { "\"X-Trace\": \"a\"", "\"X Trace\": \"a\"", IssueCodes.InvalidName, "/operations/find/headers/X Trace", 12, false },
        { "\"X-Trace\": \"a\"", "\"Content-Length\": \"1\"", IssueCodes.InvalidName, "/operations/find/headers/Content-Length", 12, false },
        { "\"X-Trace\": \"a\"", "\"X-Other-Key\": \"abc\"", IssueCodes.InvalidValue, "/operations/find/headers/X-Other-Key", 12, false },
        { "\"X-Trace\": \"a\"", "\"X-Trace\": \"AIzaSyTESTtestTESTtest0123456789abcdef\"", IssueCodes.InvalidValue, "/operations/find/headers/X-Trace", 12, false },
        { "\"limit\": \"${params.limit}\"", "\"client_secret\": \"abc\"", IssueCodes.InvalidValue, "/operations/find/body/client_secret", 13, false },
        { "{ \"limit\": \"${params.limit}\" }", "[1], \"body_type\": \"form\"", IssueCodes.InvalidValue, "/operations/find/body", 13, false },
        { "\"when\": \"exists(params.q)\", ", "", IssueCodes.MissingProperty, "/operations/find/variants/0/when", 22, true },
        { "\"when\": \"exists(params.q)\"", "\"when\": \"true\"", IssueCodes.InvalidValue, "/operations/find/variants/0/when", 22, false },
        { "\"when\": \"exists(params.q)\"", "\"if_given\": \"q\", \"when\": \"exists(params.q)\"", IssueCodes.UnknownProperty, "/operations/find/variants/0/if_given", 22, true },
        { "\"variants\": [{ \"when\"", "\"variants\": [{ \"when\": \"exists(params.q)\" }, { \"when\"", IssueCodes.InvalidValue, "/operations/find/variants/1/when", 22, false },

        // Parameters.
        { "\"type\": \"string\" }", "\"type\": \"text\" }", IssueCodes.InvalidSchema, "/operations/find/parameters/properties/kind/type", 16, true },
        { "\"minimum\": 1", "\"minimun\": 1", IssueCodes.UnknownProperty, "/operations/find/parameters/properties/limit/minimun", 18, true },
        { "\"minimum\": 1", "\"minimum\": \"1\"", IssueCodes.InvalidSchema, "/operations/find/parameters/properties/limit/minimum", 18, true },
        { "\"default\": 10", "\"default\": 0", IssueCodes.InvalidValue, "/operations/find/parameters/properties/limit/default", 18, false },
        { "\"minimum\": 1", "\"minimum\": 1, \"minLength\": 3, \"maxLength\": 2", IssueCodes.InvalidSchema, "/operations/find/parameters/properties/limit/minLength", 18, false },
        { "\"minimum\": 1", "\"pattern\": \"(\"", IssueCodes.InvalidSchema, "/operations/find/parameters/properties/limit/pattern", 18, false },
        { "[\"query\"]", "[\"limit\"]", IssueCodes.InvalidValue, "/operations/find/parameters/properties/q/aliases", 17, false },
        { "[\"query\"]", "\"query\"", IssueCodes.InvalidSchema, "/operations/find/parameters/properties/q/aliases", 17, true },
        { "\"required\": [\"kind\"]", "\"required\": [\"kind\", \"knd\"]", IssueCodes.UnknownParameter, "/operations/find/parameters/required", 20, false },
        { "\"required\": [\"kind\"]", "\"required\": [\"kind\"], \"anyOf\": [{ \"required\": [\"x\"] }]", IssueCodes.UnknownParameter, "/operations/find/parameters/anyOf/0", 20, false },
        { "\"required\": [\"kind\"]", "\"required\": [\"kind\"], \"type\": \"array\"", IssueCodes.InvalidSchema, "/operations/find/parameters/type", 20, true },

        // The reply.
        { "\"response.ok == true\"", "\"response.ok ==\"", IssueCodes.InvalidExpression, "/operations/find/success", 23, false },
        { "\"response.ok == true\"", "\"params.q == 'x'\"", IssueCodes.UnknownReference, "/operations/find/success", 23, false },
        { "\"response.ok == true\"", "\"status == '404'\"", IssueCodes.InvalidExpression, "/operations/find/success", 23, false },
        { "\"response.ok == true\"", "\"'200' <= status\"", IssueCodes.InvalidExpression, "/operations/find/success", 23, false },
        { "\"response.ok == true\"", "\"status in [200, '404']\"", IssueCodes.InvalidExpression, "/operations/find/success", 23, false },
        { "\"response.ok == true\"", "{ \"path\": \"ok\", \"values\": [] }", IssueCodes.InvalidValue, "/operations/find/success", 23, true },
        { "\"RateLimited\"", "\"TooMany\"", IssueCodes.InvalidValue, "/operations/find/errors/0/type", 24, true },
        { "\"type\": \"RateLimited\"", "\"type\": \"RateLimited\", \"message\": 5", IssueCodes.InvalidValue, "/operations/find/errors/0/message", 24, true },
        { "\"items\": \"response.items\", ", "", IssueCodes.MissingProperty, "/operations/find/pagination/items", 25, true },
        { "\"max_items\": \"${params.limit}\"", "\"max_pages\": 101", IssueCodes.InvalidValue, "/operations/find/pagination/max_pages", 25, true },
        { "\"max_items\": \"${params.limit}\"", "\"max_items\": 0", IssueCodes.InvalidValue, "/operations/find/pagination/max_items", 25, true },
        { "\"max_items\": \"${params.limit}\"", "\"next\": \"response.next\"", IssueCodes.InvalidValue, "/operations/find/pagination/next", 25, false },
        { ", \"page\": \"${page.number}\"", "", IssueCodes.InvalidValue, "/operations/find/pagination/items", 25, false },
        { "\"max_items\": \"${params.limit}\"", "\"max_items\": \"${response.limit}\"", IssueCodes.UnknownReference, "/operations/find/pagination/max_items", 25, false },
        { "\"${items}\"", "\"items\"", IssueCodes.InvalidExpression, "/operations/find/response/things", 26, false },
        { "\"${items}\"", "\"response.things[0]\"", IssueCodes.InvalidExpression, "/operations/find/response/things", 26, false },
        { "\"${items}\"", "\"${item}\"", IssueCodes.UnknownReference, "/operations/find/response/things", 26, false },
        { "\"cache_ttl_seconds\": 0", "\"cache_ttl_seconds\": 60", IssueCodes.InvalidValue, "/operations/find/cache_ttl_seconds", 27, false },
        { "\"cache_ttl_seconds\": 0", "\"cache_ttl\": 60", IssueCodes.UnknownProperty, "/operations/find/cache_ttl", 27, true },
    };

    [Fact]
    public void Read_GoodFile_IsTakenByReaderAndSchema()
    {
        var (service, issues) = ServiceIssues.Read("mine", ServiceFiles.Good);

        Assert.Empty(issues.Select(issue => issue.Message));
        Assert.Equal("mine", service!.Name);
        Assert.Empty(s_schema.Value.Validate(ServiceFiles.Good));
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public void Read_Fault_IsToldWithCodePointerAndLine(string good, string bad, string code, string pointer, int line, bool isInSchema)
    {
        Assert.Contains(good, ServiceFiles.Good);
        var text = ServiceFiles.Good.Replace(good, bad);

        var (service, issues) = ServiceIssues.Read("mine", text);

        Assert.Null(service);
        var issue = Assert.Single(issues);
        Assert.Equal((code, pointer, line), (issue.Code, issue.JsonPointer, issue.Line));
        Assert.Equal(isInSchema, s_schema.Value.Validate(text).Count > 0);
    }

    [Theory]
    [InlineData("\"${params.q}\"", "\"ab ${params.quary}\"", 36, "'q' reads the parameter 'quary', which is not declared.", "There is: kind, limit, q.")]
    [InlineData("\"response.ok == true\"", "\"  response.ok = true\"", 33, "'success' holds a faulty expression: ", null)]
    [InlineData("\"response.ok == true\"", "\"status == '404'\"", 29, "'success' compares 'status' with '404', which is no number.", "Write 404, without quotes.")]
    [InlineData("\"response.ok == true\"", "\"status == true\"", 29, "'success' compares 'status' with true, which is no number.", "Write the HTTP status as a number, such as 404.")]
    [InlineData("\"RateLimited\"", "\"RateLimitd\"", 58, "'type' must be one of: ", "Did you mean 'RateLimited'?")]
    [InlineData("\"X-Trace\": \"a\"", "\"X-Other-Key\": \"abc\"", 35, "'X-Other-Key' looks like a key.", "'auth' takes them from the environment.")]
    public void Read_Fault_NamesColumnAndNearest(string good, string bad, int column, string message, string? suggestion)
    {
        var issue = Assert.Single(ServiceIssues.Read("mine", ServiceFiles.Good.Replace(good, bad)).Issues);

        Assert.StartsWith(message, issue.Message);
        Assert.Contains(suggestion ?? "", issue.Suggestion ?? "");
        Assert.Equal(column, issue.Column);
    }

    [Theory]
    [InlineData("{ \"name\": \"mine\" ", IssueCodes.MalformedJson)]
    [InlineData("[]", IssueCodes.InvalidValue)]
    [InlineData("{ \"name\": \"mine\", \"name\": \"mine\" }", IssueCodes.DuplicateProperty)]
    public void Read_NoServiceAtAll_IsTold(string text, string code) => Assert.Equal(code, ServiceIssues.Read("mine", text).Issues[0].Code);

    [Fact]
    public void Read_SeveralFaults_AreToldAllAtOnceInFileOrder()
    {
        var text = ServiceFiles.Good.Replace("MINE_BASE_URL", "X").Replace("\"POST\"", "\"TAKE\"").Replace("${items}", "${itms}");

        Assert.Equal([4, 9, 26], ServiceIssues.Read("mine", text).Issues.Select(issue => issue.Line));
    }

    [Fact]
    public void Read_ServiceDefaults_AreFilledIntoOperations()
    {
        var service = ServiceFiles.Of(
            "\"errors\": [{ \"when\": \"status == 1\", \"type\": \"RateLimited\" }]",
            "\"success\": \"response.ok\", \"error_message\": \"response.why\", \"errors\": [{ \"when\": \"status == 2\", \"type\": \"Overloaded\" }],");

        var operation = service.Operations["get"];
        Assert.Equal(["RateLimited", "Overloaded"], operation.Errors.Select(rule => rule.Type));
        Assert.Equal("response.why", operation.ErrorMessage?.ToString());
        Assert.NotNull(operation.Success);
    }

    [Fact]
    public void Read_Hash_IsThatOfRequestAndReply()
    {
        static string Hash(string operation, string service = "") => ServiceFiles.Of(operation, service).Operations["get"].Hash;

        Assert.Equal(Hash("\"path\": \"/a\""), Hash("\"description\": \"d\",   \"timeout_seconds\": 5, \"path\": \"/a\""));
        Assert.NotEqual(Hash("\"path\": \"/a\""), Hash("\"path\": \"/b\""));
        Assert.NotEqual(Hash("\"path\": \"/a\""), Hash("\"path\": \"/a\", \"response\": \"${response.x}\""));
        Assert.NotEqual(Hash("\"path\": \"/a\""), Hash("\"path\": \"/a\"", "\"success\": \"response.ok\","));
    }
}
