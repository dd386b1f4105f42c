using LlmWorkflow.Client.Contracts;

namespace LlmWorkflow.Api.OpenApi;

/// <summary>What the OpenAPI document says of the calls about workflows.</summary>
internal static class WorkflowDocument
{
    private const string Tag = "Workflows";

    private const string Unknown = "No workflow of that name, or its file is broken; the nearest names are given.";

    public static CallDocument Validate { get; } = new()
    {
        Summary = "Validate and plan (dry run)",
        Description = """
            Checks a workflow of the service, or a whole `definition`, and `input_data` against its `input_schema`, and plans a run: the steps with their branches, the prompts as far
            as they are known, estimated tokens, and a cost range (lowest, expected, highest). Nothing is stored and nobody is called. What is wrong with definition or input is part of a 200.
            """,
        Tag = Tag,
        Body = typeof(ValidateRequest),
        BodyExample = """
            {"workflow_name": "emergency_contacts", "input_data": {"city": "Austin", "state": "TX", "lat": 30.2672, "lng": -97.7431}}
            """,
        Responses =
        {
            [200] = (typeof(ValidateResponse), "What was found, and the plan unless the definition has errors."),
            [400] = (typeof(ProblemResponse), "The body is wrong; `errors` lists everything at once."),
            [404] = (typeof(ProblemResponse), Unknown),
            [413] = (typeof(ProblemResponse), "The body is over 1 MiB."),
            [415] = (typeof(ProblemResponse), "The body is not JSON."),
        },
    };

    public static CallDocument List { get; } = new()
    {
        Summary = "List the workflows",
        Description = "Every workflow of the service by name, those too whose file is broken.",
        Tag = Tag,
        Responses = { [200] = (typeof(WorkflowListResponse), "The workflows.") },
    };

    public static CallDocument Find { get; } = new()
    {
        Summary = "A workflow",
        Description = "The definition that a job submitted now would run, with its hash and what validation found.",
        Tag = Tag,
        Responses = { [200] = (typeof(WorkflowResponse), "The workflow."), [404] = (typeof(ProblemResponse), Unknown) },
    };

    public static CallDocument Diagram { get; } = new()
    {
        Summary = "A workflow as a diagram",
        Description = "A Mermaid flowchart as plain text; the same definition always gives the same text.",
        Tag = Tag,
        ContentType = "text/plain",
        Responses = { [200] = (typeof(string), "Mermaid text, starting with `flowchart TD`."), [404] = (typeof(ProblemResponse), Unknown) },
    };

    public static CallDocument Schema { get; } = new()
    {
        Summary = "JSON Schema of workflow definitions",
        Description = "For editors: name it as `$schema` in a definition, and they complete and check. Made from the same table as the validator.",
        Tag = Tag,
        ContentType = "application/schema+json",
        Responses = { [200] = (typeof(object), "The schema.") },
    };
}
