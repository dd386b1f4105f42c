using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace LlmWorkflow.Engine.Diagnostics;

/// <summary>Every name that the engine's traces and metrics use. GenAI names are those of OpenTelemetry semantic conventions 1.41.</summary>
public static class EngineTelemetry
{
    /// <summary>Name of the activity source and of the meter.</summary>
    public const string Name = "LlmWorkflow";

    private static readonly InstrumentAdvice<double> LongTimes = new() { HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600] };

    internal static readonly ActivitySource Source = new(Name);

    internal static readonly Meter Meter = new(Name);

    internal static readonly Histogram<double> ChatDuration = Meter.CreateHistogram(
        "gen_ai.client.operation.duration", "s", "Time of one model call.", tags: null,
        new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92] });

    internal static readonly Histogram<long> TokenUsage = Meter.CreateHistogram(
        "gen_ai.client.token.usage", "{token}", "Input and output tokens of one model call.", tags: null,
        new InstrumentAdvice<long> { HistogramBucketBoundaries = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864] });

    internal static readonly Counter<double> CostUsd = Meter.CreateCounter<double>(
        "llmworkflow.cost.usd", "{USD}", "Cost of model calls; calls without a known price are not in it.");

    internal static readonly Histogram<double> ServiceDuration = Meter.CreateHistogram(
        "llmworkflow.service.duration", "s", "Time of one call of an external service.", tags: null,
        new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] });

    internal static readonly Histogram<double> StepDuration = Meter.CreateHistogram(
        "llmworkflow.step.duration", "s", "Time of one step, all its attempts, by type and status.", tags: null, LongTimes);

    internal static readonly Histogram<double> JobDuration = Meter.CreateHistogram(
        "llmworkflow.job.duration", "s", "Time from a job's first start to its end, by workflow and outcome.", tags: null, LongTimes);

    internal static readonly Counter<long> Jobs = Meter.CreateCounter<long>("llmworkflow.jobs", "{job}", "Ended jobs by workflow and outcome.");

    internal static readonly Histogram<double> QueueTime = Meter.CreateHistogram(
        "llmworkflow.queue.time", "s", "Time from queueing to the claim, by priority.", tags: null, LongTimes);

    internal static readonly Counter<long> LeasesLost = Meter.CreateCounter<long>(
        "llmworkflow.leases.lost", "{lease}", "Leases that ran out, by the worker that lost its own or that found another's.");

    /// <summary>Names of attributes.</summary>
    internal static class Tags
    {
        public const string Operation = "gen_ai.operation.name";
        public const string Provider = "gen_ai.provider.name";
        public const string RequestModel = "gen_ai.request.model";
        public const string RequestMaxTokens = "gen_ai.request.max_tokens";
        public const string RequestTemperature = "gen_ai.request.temperature";
        public const string RequestTopP = "gen_ai.request.top_p";
        public const string RequestSeed = "gen_ai.request.seed";
        public const string RequestStop = "gen_ai.request.stop_sequences";
        public const string RequestStream = "gen_ai.request.stream";
        public const string ResponseId = "gen_ai.response.id";
        public const string ResponseModel = "gen_ai.response.model";
        public const string FinishReasons = "gen_ai.response.finish_reasons";
        public const string InputTokens = "gen_ai.usage.input_tokens";
        public const string OutputTokens = "gen_ai.usage.output_tokens";
        public const string CacheReadTokens = "gen_ai.usage.cache_read.input_tokens";
        public const string CacheWriteTokens = "gen_ai.usage.cache_creation.input_tokens";
        public const string ReasoningTokens = "gen_ai.usage.reasoning.output_tokens";
        public const string TokenType = "gen_ai.token.type";
        public const string SystemInstructions = "gen_ai.system_instructions";
        public const string InputMessages = "gen_ai.input.messages";
        public const string OutputMessages = "gen_ai.output.messages";
        public const string ErrorType = "error.type";
        public const string HttpStatus = "http.response.status_code";
        public const string CostUsd = "llmworkflow.cost.usd";
        public const string CostSource = "llmworkflow.cost.source";
        public const string UsageEstimated = "llmworkflow.usage.estimated";
        public const string StepPath = "llmworkflow.step.path";
        public const string CallOrdinal = "llmworkflow.call.ordinal";
        public const string Service = "llmworkflow.service.name";
        public const string ServiceOperation = "llmworkflow.service.operation";
    }
}
