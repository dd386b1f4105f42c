using System.Globalization;
using System.Text;

namespace LlmWorkflow.Engine.Definitions;

/// <summary>
/// Draws a workflow as a Mermaid flowchart: conditions as diamonds, branches of <c>parallel</c> and the body of <c>foreach</c> in boxes, dashed arrows for what
/// happens when a step is skipped, fails or gets no answer.
/// </summary>
public sealed class MermaidDiagram
{
    private const string Start = "w_start";

    private const string End = "w_end";

    private const string Failed = "w_failed";

    private readonly StringBuilder _nodes = new();
    private readonly StringBuilder _edges = new();
    private readonly MermaidIds _ids = new();
    private int _depth = 1;
    private bool _canFail;

    private MermaidDiagram()
    {
    }

    /// <summary>The diagram's text, lines ended by LF. The same definition always gives the same text.</summary>
    public static string Of(WorkflowDefinition definition)
    {
        ArgumentNullException.ThrowIfNull(definition);
        return new MermaidDiagram().Draw(definition);
    }

    private string Draw(WorkflowDefinition definition)
    {
        Node(Start, "([", MermaidText.Label(definition.DisplayName ?? definition.Name), "])");
        List<OpenEnd> ends = Steps(definition.Steps, [new OpenEnd(Start)]);
        Node(End, "([", "End", "])");
        Connect(ends, End);
        if (_canFail)
        {
            Node(Failed, "([", "Failed", "])");
        }

        // Edges come last: a node belongs to the box in which it is named first.
        return $"flowchart TD\n{_nodes}{_edges}";
    }

    private List<OpenEnd> Steps(IReadOnlyList<StepDefinition> steps, List<OpenEnd> ends)
    {
        foreach (StepDefinition step in steps)
        {
            ends = Step(step, ends);
        }

        return ends;
    }

    private List<OpenEnd> Step(StepDefinition step, List<OpenEnd> ends)
    {
        string id = _ids.Of(step.Id);
        List<OpenEnd> after = [];
        if (step.When is { } when)
        {
            string gate = _ids.Of(step.Id, "when");
            Node(gate, "{", $"when<br/>{MermaidText.Condition(when)}", "}");
            Connect(ends, gate);
            ends = [new OpenEnd(gate, "yes")];
            after.Add(new OpenEnd(gate, "skip", true));
        }

        after.InsertRange(0, step switch
        {
            ConditionalStepDefinition conditional => Conditional(conditional, id, ends),
            ParallelStepDefinition parallel => Parallel(parallel, id, ends),
            ForeachStepDefinition loop => Foreach(loop, id, ends),
            _ => Plain(step, id, ends),
        });
        Errors(step, id, after);
        return after;
    }

    private List<OpenEnd> Plain(StepDefinition step, string id, List<OpenEnd> ends)
    {
        (string open, string close) = step switch
        {
            ExternalApiStepDefinition => ("[/", "/]"),
            TransformStepDefinition => ("(", ")"),
            WorkflowStepDefinition => ("[[", "]]"),
            WaitStepDefinition => ("{{", "}}"),
            ApprovalStepDefinition => ("[\\", "/]"),
            _ => ("[", "]"),
        };
        Node(id, open, MermaidText.StepLabel(step), close);
        Connect(ends, id);
        return [new OpenEnd(id)];
    }

    private List<OpenEnd> Conditional(ConditionalStepDefinition step, string id, List<OpenEnd> ends)
    {
        Node(id, "{", MermaidText.StepLabel(step), "}");
        Connect(ends, id);
        List<OpenEnd> after = [];
        foreach (ConditionalCase one in step.Cases)
        {
            string condition = MermaidText.Condition(one.When);
            after.AddRange(Steps(one.Branch.Steps, [new OpenEnd(id, one.Branch.Name == "then" ? condition : $"{MermaidText.Label(one.Branch.Name)}, {condition}")]));
        }

        after.AddRange(Steps(step.Otherwise?.Steps ?? [], [new OpenEnd(id, MermaidText.Label(step.Otherwise?.Name ?? "else"))]));
        return after;
    }

    private List<OpenEnd> Parallel(ParallelStepDefinition step, string id, List<OpenEnd> ends)
    {
        Node(id, "(", MermaidText.StepLabel(step), ")");
        Connect(ends, id);
        List<OpenEnd> joined = [];
        foreach (StepBranch lane in step.Lanes)
        {
            if (lane.Steps.Count == 0)
            {
                joined.Add(new OpenEnd(id, MermaidText.Label(lane.Name)));
                continue;
            }

            Open(_ids.Of(step.Id, lane.Name), MermaidText.Label(lane.Name));
            joined.AddRange(Steps(lane.Steps, [new OpenEnd(id)]));
            Close();
        }

        string join = _ids.Of(step.Id, "join");
        Node(join, "((", "join", "))");
        Connect(joined, join);
        return [new OpenEnd(join)];
    }

    private List<OpenEnd> Foreach(ForeachStepDefinition step, string id, List<OpenEnd> ends)
    {
        Open(id, MermaidText.StepLabel(step));
        List<OpenEnd> last = Steps(step.Steps, []);
        string next = _ids.Of(step.Id, "next");
        Node(next, "((", "next", "))");
        Connect(last, next);
        Close();
        Connect(ends, id);
        return [new OpenEnd(id)];
    }

    // Only what the author wrote down: an arrow for the default, an error that ends the job, would lead from every step.
    private void Errors(StepDefinition step, string id, List<OpenEnd> after)
    {
        string cause = MermaidText.Attempts(step) is { } attempts ? $"error after {attempts}" : "error";
        if (step.OnError == OnError.Continue)
        {
            after.Add(new OpenEnd(id, cause, true));
        }
        else if (MermaidText.Attempts(step) is not null)
        {
            Fail(id, cause);
        }

        if (step is ApprovalStepDefinition { WaitSeconds: { } seconds } approval)
        {
            string noAnswer = $"no answer in {MermaidText.Seconds(seconds)}";
            if (approval.OnTimeout == OnError.Continue)
            {
                after.Add(new OpenEnd(id, noAnswer, true));
            }
            else
            {
                Fail(id, noAnswer);
            }
        }
    }

    private void Fail(string id, string cause)
    {
        _canFail = true;
        Connect([new OpenEnd(id, cause, true)], Failed);
    }

    private void Open(string id, string label)
    {
        Line(_nodes, $"subgraph {id}[\"{label}\"]");
        _depth++;
    }

    private void Close()
    {
        _depth--;
        Line(_nodes, "end");
    }

    private void Node(string id, string open, string label, string close) => Line(_nodes, $"{id}{open}\"{label}\"{close}");

    private void Connect(List<OpenEnd> ends, string to)
    {
        foreach (OpenEnd end in ends)
        {
            string label = end.Label is null ? "" : $"|\"{end.Label}\"|";
            _edges.Append(CultureInfo.InvariantCulture, $"  {end.Node} {(end.Dashed ? "-.->" : "-->")}{label} {to}\n");
        }
    }

    private void Line(StringBuilder text, string line) => text.Append(' ', _depth * 2).Append(line).Append('\n');

    // An arrow whose other end is not known yet.
    private readonly record struct OpenEnd(string Node, string? Label = null, bool Dashed = false);
}
