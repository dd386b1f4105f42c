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

    internal static readonly Histogram<double> TimeToFirstChunk = Meter.CreateHistogram(
        "gen_ai.client.operation.time_to_first_chunk", "s", "Time from the request to the first piece of the reply; the whole reply where it is not streamed.", tags: null,
        new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92] });

    internal static readonly Counter<double> CostUsd = Meter.CreateCounter<double>(
        "llmworkflow.cost.usd", "{USD}", "Cost of model calls; calls without a known price are not in it.");

    internal static readonly Counter<long> UnpricedCalls = Meter.CreateCounter<long>(
        "llmworkflow.cost.unpriced_calls", "{call}", "Model calls whose cost is not known: the price book does not have the model.");

    internal static readonly Counter<long> CachedReplies = Meter.CreateCounter<long>(
        "llmworkflow.replies.cached", "{reply}", "Replies that were kept for others and used again, by provider and model.");

    internal static readonly Histogram<double> CostDrift = Meter.CreateHistogram(
        "llmworkflow.cost.drift", "1", "Computed cost above (positive) or below (negative) the reported one, as a part of the reported one.", tags: null,
        new InstrumentAdvice<double> { HistogramBucketBoundaries = [-0.5, -0.1, -0.01, -0.001, 0.001, 0.01, 0.1, 0.5, 1] });

    internal static readonly Histogram<double> ServiceDuration = Meter.CreateHistogram(
        "llmworkflow.service.duration", "s", "Time of one call of an external service.", tags: null,
        new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] });

    internal static readonly Histogram<double> ServiceTurnWait = Meter.CreateHistogram(
        "llmworkflow.service.turn.wait", "s", "Time that calls of an external service waited for their turn; calls that did not have to are not in it.", tags: null, LongTimes);

    internal static readonly Counter<long> ServicePauses = Meter.CreateCounter<long>(
        "llmworkflow.service.pauses", "{pause}", "Pauses that an external service asked for, by service.");

    internal static readonly Counter<long> ServiceBreakerChanges = Meter.CreateCounter<long>(
        "llmworkflow.service.breaker.changes", "{change}", "Changes of this process's circuit breakers of external services, by service and new state: closed or open.");

    internal static readonly Counter<long> ServiceCache = Meter.CreateCounter<long>(
        "llmworkflow.service.cache", "{event}",
        "What became of requests of services whose replies are kept: memory, redis, table, shared or miss, each once; beside it error and stale.");

    internal static readonly Histogram<double> StepDuration = Meter.CreateHistogram(
        "llmworkflow.step.duration", "s", "Time of one step, all its attempts, by type and status.", tags: null, LongTimes);

    internal static readonly Histogram<double> JobDuration = Meter.CreateHistogram(
        "llmworkflow.job.duration", "s", "Time from a job's first start to its end, by workflow and status.", tags: null, LongTimes);

    internal static readonly Counter<long> Jobs = Meter.CreateCounter<long>("llmworkflow.jobs", "{job}", "Ended jobs by workflow and status.");

    internal static readonly UpDownCounter<long> JobsRunning = Meter.CreateUpDownCounter<long>(
        "llmworkflow.jobs.running", "{job}", "Jobs that run in this worker now.");

    internal static readonly Histogram<double> QueueTime = Meter.CreateHistogram(
        "llmworkflow.queue.time", "s", "Time from queueing to the claim, by priority.", tags: null, LongTimes);

    internal static readonly Counter<long> LeasesLost = Meter.CreateCounter<long>(
        "llmworkflow.leases.lost", "{lease}", "Leases of workers that ran out, counted by the worker that took the jobs back.");

    internal static readonly Counter<long> WebhookDeliveries = Meter.CreateCounter<long>(
        "llmworkflow.webhook.deliveries", "{attempt}", "Webhook attempts by event and outcome: delivered, retry, dead, stopped or lost.");

    internal static readonly ObservableGauge<long> QueueDepth = Meter.CreateObservableGauge<long>(
        "llmworkflow.queue.depth", static () => QueueLevel.Measure(Queue, level => level.Jobs), "{job}", "Queued jobs by priority; the same from every worker.");

    internal static readonly ObservableGauge<double> QueueAge = Meter.CreateObservableGauge<double>(
        "llmworkflow.queue.age", static () => QueueLevel.Measure(Queue, level => level.OldestSeconds), "s",
        "How long the oldest queued job has waited, by priority; the same from every worker.");

    /// <summary>The queue as this process last read it; null: not known.</summary>
    internal static IReadOnlyList<QueueLevel>? Queue { get; set; }

    /// <summary>Counts a job that has ended, once, by whoever ended it.</summary>
    /// <param name="workflow">Name of the workflow.</param>
    /// <param name="status">The final status.</param>
    /// <param name="durationMs">From its first start; null: it never started.</param>
    internal static void JobEnded(string workflow, string status, long? durationMs)
    {
        TagList tags = [new(Tags.Workflow, workflow), new(Tags.JobStatus, status)];
        Jobs.Add(1, tags);
        if (durationMs is { } milliseconds)
        {
            JobDuration.Record(milliseconds / 1000.0, tags);
        }
    }

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
        public const string TimeToFirstChunk = "gen_ai.response.time_to_first_chunk";
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
        public const string JobId = "llmworkflow.job.id";
        public const string JobStatus = "llmworkflow.job.status";
        public const string Priority = "llmworkflow.job.priority";
        public const string Fence = "llmworkflow.job.fence";
        public const string Workflow = "llmworkflow.workflow.name";
        public const string StepId = "llmworkflow.step.id";
        public const string StepType = "llmworkflow.step.type";
        public const string StepStatus = "llmworkflow.step.status";
        public const string Attempt = "llmworkflow.attempt";
        public const string WebhookEvent = "llmworkflow.webhook.event";
        public const string WebhookOutcome = "llmworkflow.webhook.outcome";
        public const string ServerAddress = "server.address";
        public const string ServerPort = "server.port";
        public const string StepPath = "llmworkflow.step.path";
        public const string CallOrdinal = "llmworkflow.call.ordinal";
        public const string Service = "llmworkflow.service.name";
        public const string Cached = "llmworkflow.service.cached";
        public const string ReplyKey = "llmworkflow.service.reply_key";
        public const string ServiceOperation = "llmworkflow.service.operation";
        public const string CacheOutcome = "llmworkflow.cache.outcome";
        public const string GateReason = "llmworkflow.gate.reason";
        public const string BreakerState = "llmworkflow.gate.breaker.state";
    }

    internal static readonly Counter<long> GateWaits = Meter.CreateCounter<long>(
        "llmworkflow.gate.waits", "{call}", "Waits that model calls were told, by provider, model and reason: paced, paused or concurrency.");

    internal static readonly Counter<long> GatePauses = Meter.CreateCounter<long>(
        "llmworkflow.gate.pauses", "{pause}", "Refusals that paused a provider's model for the whole fleet, by provider, model and reason: rate_limited or overloaded.");

    internal static readonly Counter<long> GateBreakerChanges = Meter.CreateCounter<long>(
        "llmworkflow.gate.breaker.changes", "{change}", "Changes of providers' circuit breakers, by provider and new state: closed, open or half_open.");

    internal static readonly UpDownCounter<long> GateCallsInFlight = Meter.CreateUpDownCounter<long>(
        "llmworkflow.gate.calls_in_flight", "{call}", "Model calls of this process in flight now, by provider and model.");
}
