using System.Text.Json;
using LlmWorkflow.Engine.Definitions;
using LlmWorkflow.Engine.Expressions;
using LlmWorkflow.Engine.Jobs;

namespace LlmWorkflow.Engine.Execution;

/// <summary>What the expressions of one list of steps see.</summary>
internal sealed class RunScope
{
    private readonly JobIdentity _job;
    private readonly WorkflowDefinition _definition;
    private readonly JsonElement _input;
    private readonly IReadOnlyDictionary<string, JsonElement> _locals;

    /// <summary>A world of its own: a job's workflow, or one that a step runs.</summary>
    public RunScope(JobIdentity job, WorkflowDefinition definition, JsonElement input)
        : this(job, definition, input, new Dictionary<string, JsonElement>(), new(around: null))
    {
    }

    private RunScope(JobIdentity job, WorkflowDefinition definition, JsonElement input, IReadOnlyDictionary<string, JsonElement> locals, StepValues values)
    {
        _job = job;
        _definition = definition;
        _input = input;
        _locals = locals;
        Values = values;
    }

    /// <summary>The steps that have ended.</summary>
    public StepValues Values { get; }

    /// <summary>A layer inside, with further names.</summary>
    public RunScope Nest(IReadOnlyList<KeyValuePair<string, JsonElement>> locals) => new(
        _job, _definition, _input, locals.Count == 0 ? _locals : new Dictionary<string, JsonElement>(_locals.Where(l => locals.All(n => n.Key != l.Key)).Concat(locals)), new(Values));

    /// <summary>The scope of a step's attempt.</summary>
    /// <param name="now">The step's first start: <c>context.now</c>.</param>
    /// <param name="attempt">1 for the first.</param>
    public ExpressionScope At(DateTimeOffset now, int attempt) => new()
    {
        Input = _input, Context = RunContext.Of(_job, _definition, now, attempt), Steps = Values, Locals = _locals,
    };

    /// <summary>Makes an ended step readable.</summary>
    public void Add(StepRun run) => Values[run.StepId] = new()
    {
        Status = run.Status.ToText(),
        Output = run.Output,
        Error = run.Error is { } error ? Diagnostics.EngineJson.Element(error) : default,
        Usage = run.Usage,
        DurationMs = run.DurationMs,
        Branch = run.Branch,
    };
}
