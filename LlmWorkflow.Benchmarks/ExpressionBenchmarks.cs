using System.Text.Json;
using BenchmarkDotNet.Attributes;
using LlmWorkflow.Engine.Expressions;

namespace LlmWorkflow.Benchmarks;

/// <summary>Parsing and evaluating expressions, over an input of a usual size.</summary>
[MemoryDiagnoser]
public class ExpressionBenchmarks
{
    private const string Path = "steps.fetch.output.data.places[3].displayName.text";
    private const string Condition = "input.family_size > 2 && steps.fetch.status == 'completed' && length(steps.fetch.data.places) > 0";
    private const string Functions = "join(split(lower(trim(input.city)), ' '), '_') + '-' + round(input.lat, 2)";

    private readonly ExpressionScope _scope = SampleScope.Create();
    private readonly Expression _path = ExpressionParser.Parse(Path);
    private readonly Expression _condition = ExpressionParser.Parse(Condition);
    private readonly Expression _functions = ExpressionParser.Parse(Functions);

    [Benchmark]
    public object ParseCondition() => ExpressionParser.Parse(Condition);

    [Benchmark]
    public JsonElement EvaluatePath() => ExpressionEvaluator.Require(_path, _scope);

    [Benchmark]
    public bool EvaluateCondition() => ExpressionEvaluator.IsTrue(_condition, _scope);

    [Benchmark]
    public JsonElement EvaluateFunctions() => ExpressionEvaluator.Require(_functions, _scope);

    [Benchmark]
    public string ResolveText() => TemplateResolver.ResolveText("Dear ${input.city}, you are ${input.family_size} people near ${steps.fetch.data.places[0].displayName.text}.", _scope);
}
