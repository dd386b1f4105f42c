using System.Reflection;
using LlmWorkflow.Engine.Definitions;

namespace LlmWorkflow.Tests.Engine.Definitions;

public sealed class InvalidSampleTests
{
    // file: line:column severity CODE pointer
    private static readonly Dictionary<string, string[]> s_expected = new()
    {
        ["bad_job_timeout"] = ["4:22 error OUT_OF_RANGE /timeout_seconds"],
        ["bad_retry"] = ["5:126 error OUT_OF_RANGE /steps/0/retry/max_attempts"],
        ["bad_retry_delays"] = ["5:160 error OUT_OF_RANGE /steps/0/retry/max_delay_seconds"],
        ["bad_timeout"] = ["5:118 error OUT_OF_RANGE /steps/0/timeout_seconds"],
        ["circular_reference"] = ["5:106 error LATER_REFERENCE /steps/0/prompt"],
        ["conflicting_properties"] = ["5:99 error CONFLICTING_PROPERTIES /steps/0/prompt_template"],
        ["duplicate_property"] = ["5:50 error DUPLICATE_PROPERTY /steps/0/seconds"],
        ["duplicate_step_id"] = ["6:13 error DUPLICATE_STEP_ID /steps/1/id"],
        ["five_faults"] =
        [
            "4:3 error UNKNOWN_PROPERTY /timeout_secs",
            "10:47 error INVALID_EXPRESSION /steps/0/prompt",
            "11:34 error OUT_OF_RANGE /steps/0/retry/max_attempts",
            "13:31 error UNKNOWN_STEP_TYPE /steps/1/type",
            "15:36 error UNKNOWN_REFERENCE /output/greeting",
        ],
        ["foreach_reference"] = ["11:107 error UNKNOWN_REFERENCE /steps/1/prompt"],
        ["include_cycle"] = ["5:94 error INCLUDE_CYCLE /steps/0/prompt_template"],
        ["invalid_condition"] = ["5:121 error INVALID_EXPRESSION /steps/0/when"],
        ["invalid_expression"] = ["5:115 error INVALID_EXPRESSION /steps/0/prompt"],
        ["invalid_input_schema"] = ["4:73 error INVALID_INPUT_SCHEMA /input_schema/properties/name/type"],
        ["invalid_name"] = ["5:13 error INVALID_NAME /steps/0/id"],
        ["invalid_prompt"] = ["5:94 error INVALID_PROMPT /steps/0/prompt_template"],
        ["invalid_schema"] = ["5:145 error INVALID_SCHEMA /steps/0/response_format/json_schema/type"],
        ["invalid_value"] = ["5:111 error INVALID_VALUE /steps/0/on_error"],
        ["later_reference"] = ["5:107 error LATER_REFERENCE /steps/0/prompt"],
        ["malformed_json"] = ["4:21 error MALFORMED_JSON "],
        ["missing_include"] = ["5:94 error MISSING_INCLUDE /steps/0/prompt_template"],
        ["missing_parameter"] = ["5:115 error MISSING_PARAMETER /steps/0/config"],
        ["missing_prompt"] = ["5:94 error MISSING_PROMPT /steps/0/prompt_template"],
        ["missing_property"] = ["5:5 error MISSING_PROPERTY /steps/0"],
        ["missing_transform_parameter"] = ["5:5 error MISSING_PARAMETER /steps/0"],
        ["missing_workflow_input"] = ["5:74 error MISSING_PARAMETER /steps/0/input"],
        ["name_mismatch"] = ["3:11 error NAME_MISMATCH /name"],
        ["not_always_run"] = ["6:107 error NOT_ALWAYS_RUN /steps/1/prompt"],
        ["not_always_run_branch"] = ["11:107 error NOT_ALWAYS_RUN /steps/1/prompt"],
        ["parallel_reference"] = ["10:121 error LATER_REFERENCE /steps/0/branches/right/0/prompt"],
        ["prompt_path_outside"] = ["5:85 error PROMPT_PATH_OUTSIDE /steps/0/prompt"],
        ["too_deep_steps"] =
        [
            "5:1218 error OUT_OF_RANGE /steps/0/then/0/then/0/then/0/then/0/then/0/then/0/then/0/then/0/then/0/then/0/then/0/then/0/then/0/then/0/then/0/then/0/then",
        ],
        ["unknown_context"] = ["5:109 error UNKNOWN_REFERENCE /steps/0/prompt"],
        ["unknown_input"] = ["10:107 error UNKNOWN_REFERENCE /steps/0/prompt"],
        ["unknown_operation"] = ["5:88 error UNKNOWN_OPERATION /steps/0/operation"],
        ["unknown_parameter"] = ["5:144 error UNKNOWN_PARAMETER /steps/0/config/radious"],
        ["unknown_price"] = ["5:44 warning UNKNOWN_PRICE /steps/0/model"],
        ["unknown_property"] = ["5:99 error UNKNOWN_PROPERTY /steps/0/temprature"],
        ["unknown_reference"] = ["6:107 error UNKNOWN_REFERENCE /steps/1/prompt"],
        ["unknown_root"] = ["5:101 error UNKNOWN_REFERENCE /steps/0/prompt"],
        ["unknown_service"] = ["5:58 error UNKNOWN_SERVICE /steps/0/service"],
        ["unknown_step_type"] = ["5:28 error UNKNOWN_STEP_TYPE /steps/0/type"],
        ["unknown_transform"] = ["5:57 error UNKNOWN_OPERATION /steps/0/operation"],
        ["unknown_variable"] = ["5:85 error UNKNOWN_VARIABLE /steps/0/prompt"],
        ["unknown_workflow"] = ["5:48 error UNKNOWN_WORKFLOW /steps/0/name"],
        ["unused_output"] = ["6:5 info UNUSED_OUTPUT /steps/0"],
        ["workflow_circle_one"] = ["5:48 error WORKFLOW_RECURSION /steps/0/name"],
        ["workflow_circle_two"] = ["5:48 error WORKFLOW_RECURSION /steps/0/name"],
        ["workflow_recursion"] = ["5:48 error WORKFLOW_RECURSION /steps/0/name"],
        ["wrong_type"] = ["5:113 error WRONG_TYPE /steps/0/max_tokens"],
    };

    [Theory]
    [MemberData(nameof(InvalidSamples.Files), MemberType = typeof(InvalidSamples))]
    public void Issues_InvalidSample_AreThoseExpected(string name)
    {
        string[] found = [.. InvalidSamples.Issues(name).Select(issue =>
            $"{issue.Line}:{issue.Column} {issue.Severity.ToString().ToLowerInvariant()} {issue.Code} {issue.JsonPointer}")];

        Assert.Equal(s_expected.GetValueOrDefault(name), found);
        Assert.All(InvalidSamples.Issues(name), issue => Assert.EndsWith(".", issue.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void Expected_EveryIssueCode_HasASample()
    {
        IEnumerable<string> codes = typeof(IssueCodes).GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => (string)field.GetRawConstantValue()!);
        HashSet<string> shown = [.. s_expected.Values.SelectMany(issues => issues).Select(issue => issue.Split(' ')[2])];

        Assert.Empty(codes.Except(shown));
    }
}
