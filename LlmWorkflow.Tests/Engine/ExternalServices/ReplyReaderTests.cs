using System.Text.Json;
using LlmWorkflow.Engine.Diagnostics;
using LlmWorkflow.Engine.ExternalServices;
using static LlmWorkflow.Tests.Engine.ExternalServices.ServiceFiles;

namespace LlmWorkflow.Tests.Engine.ExternalServices;

public sealed class ReplyReaderTests
{
    [Theory]
    [InlineData(200, null)]
    [InlineData(201, null)]
    [InlineData(400, ErrorTypes.UpstreamBadRequest)]
    [InlineData(401, ErrorTypes.AuthenticationFailed)]
    [InlineData(404, ErrorTypes.UpstreamBadRequest)]
    [InlineData(429, ErrorTypes.RateLimited)]
    [InlineData(503, ErrorTypes.UpstreamServerError)]
    public void Check_NothingSaid_GoesByTheStatus(int status, string? type) => Assert.Equal(type, Check("", status, "{}")?.Type);

    [Theory]
    [InlineData("response.ok", 200, "{\"ok\":true}", null)]
    [InlineData("response.ok", 200, "{\"ok\":false}", ErrorTypes.UpstreamBadRequest)]
    [InlineData("response.ok", 200, "{}", ErrorTypes.UpstreamBadRequest)]
    [InlineData("response.failed != true", 500, "{}", ErrorTypes.UpstreamServerError)]
    [InlineData("response.status in ['OK', 'ZERO_RESULTS']", 200, "{\"status\":\"ZERO_RESULTS\"}", null)]
    [InlineData("status == 200 || status == 404", 404, "{}", null)]
    [InlineData("status == 200 || status == 404", 201, "{}", ErrorTypes.UpstreamBadRequest)]
    [InlineData("response.ok", 200, "{\"ok\":\"yes\"}", ErrorTypes.InvalidResponse)]
    [InlineData("response.ok", 503, "{\"ok\":\"yes\"}", ErrorTypes.UpstreamServerError)]
    public void Check_Success_IsAsked(string success, int status, string body, string? type) => Assert.Equal(type, Check($"\"success\": \"{success}\"", status, body)?.Type);

    [Theory]
    [InlineData(ErrorTypes.AuthenticationFailed, ErrorCategory.Config, false)]
    [InlineData(ErrorTypes.QuotaExceeded, ErrorCategory.Config, false)]
    [InlineData(ErrorTypes.InvalidParameter, ErrorCategory.User, false)]
    [InlineData(ErrorTypes.UpstreamBadRequest, ErrorCategory.External, false)]
    [InlineData(ErrorTypes.RateLimited, ErrorCategory.External, true)]
    [InlineData(ErrorTypes.Overloaded, ErrorCategory.External, true)]
    [InlineData(ErrorTypes.UpstreamServerError, ErrorCategory.External, true)]
    [InlineData(ErrorTypes.UpstreamTimeout, ErrorCategory.External, true)]
    [InlineData(ErrorTypes.InvalidResponse, ErrorCategory.External, false)]
    public void Check_Rule_GivesTypeCategoryAndRetry(string type, ErrorCategory category, bool retryable)
    {
        Assert.Contains(type, ServiceErrors.RuleTypes);

        var error = Check($"\"errors\": [{{ \"when\": \"response.code == 7\", \"type\": \"{type}\" }}]", 200, "{\"code\":7}")!;

        Assert.Equal((type, category, retryable, retryable ? 4.0 : (double?)null), (error.Type, error.Category, error.Retryable, error.RetryAfter));
    }

    [Fact]
    public void Check_Rules_TheFirstCountsWhateverTheStatus()
    {
        const string Rules = """
            "error_message": "response.error",
            "errors": [
              { "when": "status == 503 && response.code == 1", "type": "QuotaExceeded", "retryable": true, "message": "response.why", "suggestion": "Pay." },
              { "when": "status == 503", "type": "Overloaded" }
            ]
            """;

        var first = Check(Rules, 503, """{"code":1,"why":"no money","error":"e"}""")!;
        var second = Check(Rules, 503, """{"error":"busy"}""")!;

        Assert.Equal((ErrorTypes.QuotaExceeded, true, "Pay."), (first.Type, first.Retryable, first.Details!.Suggestions[0]));
        Assert.EndsWith("(status 503). It said: no money", first.Message);
        Assert.Equal(ErrorTypes.Overloaded, second.Type);
        Assert.EndsWith("It said: busy", second.Message);
        Assert.Null(Check(Rules, 200, """{"code":1}"""));
    }

    [Fact]
    public void Check_Words_ShowNoKey()
    {
        var error = Check("\"error_message\": \"response.error\"", 400, """{"error":"key abc123 is bad; token=xyz"}""", key: "abc123")!;

        Assert.DoesNotContain("abc123", error.Message);
        Assert.DoesNotContain("xyz", error.Message);
        Assert.Contains("It said: key [REDACTED] is bad", error.Message);
    }

    [Theory]
    [InlineData(200, null, "application/json", false, ErrorTypes.InvalidResponse, true)]
    [InlineData(200, null, null, false, ErrorTypes.InvalidResponse, true)]
    [InlineData(200, null, "text/html", false, ErrorTypes.InvalidResponse, false)]
    [InlineData(204, null, null, true, null, false)]
    [InlineData(201, null, null, true, null, false)]
    [InlineData(200, "5", "application/vnd.api+json", false, null, false)]
    [InlineData(502, null, "text/html", false, ErrorTypes.UpstreamServerError, true)]
    public void Check_ReplyWithoutJson_IsNoSuccess(int status, string? body, string? contentType, bool isEmpty, string? type, bool retryable)
    {
        var reply = new ServiceReply(status, body is null ? default : Json(body), contentType, null) { IsEmpty = isEmpty };

        var error = ReplyReader.Check(Of("").Operations["get"], reply, null);

        Assert.Equal((type, retryable), (error?.Type, error?.Retryable ?? false));
    }

    private static WorkflowError? Check(string operation, int status, string body, string? key = null) =>
        ReplyReader.Check(Of(operation).Operations["get"], new ServiceReply(status, Json(body), "application/json", 4), key);
}
