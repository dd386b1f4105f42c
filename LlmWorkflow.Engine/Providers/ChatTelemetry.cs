using System.Diagnostics;
using System.Text.Json;
using LlmWorkflow.Engine.Costs;
using LlmWorkflow.Engine.Diagnostics;
using Tags = LlmWorkflow.Engine.Diagnostics.EngineTelemetry.Tags;

namespace LlmWorkflow.Engine.Providers;

/// <summary>Span and metrics of one model call, by the GenAI conventions.</summary>
internal static class ChatTelemetry
{
    private const string Chat = "chat";

    /// <summary>Starts the span; null when nobody listens.</summary>
    public static Activity? Start(ChatClientRegistration provider, LlmRequest request, int ordinal, int maxTokens, bool captureContent)
    {
        var prompt = request.Prompt;
        var span = EngineTelemetry.Source.StartActivity($"{Chat} {prompt.Model}", ActivityKind.Client);
        if (span is not { IsAllDataRequested: true })
        {
            return span;
        }

        span.SetTag(Tags.Operation, Chat)
            .SetTag(Tags.Provider, provider.TelemetryName ?? provider.Name)
            .SetTag(Tags.RequestModel, prompt.Model)
            .SetTag(Tags.RequestMaxTokens, maxTokens)
            .SetTag(Tags.RequestTemperature, prompt.Temperature)
            .SetTag(Tags.RequestTopP, prompt.TopP)
            .SetTag(Tags.RequestSeed, prompt.Seed)
            .SetTag(Tags.RequestStop, prompt.Stop is { Count: > 0 } stop ? stop.ToArray() : null)
            .SetTag(Tags.RequestStream, request.Stream)
            .SetTag(Tags.StepPath, request.StepPath)
            .SetTag(Tags.CallOrdinal, ordinal);
        if (captureContent)
        {
            span.SetTag(Tags.SystemInstructions, Parts(prompt.Messages.Where(message => message.Role == "system")))
                .SetTag(Tags.InputMessages, Messages(prompt.Messages.Where(message => message.Role != "system"), finishReason: null));
        }

        return span;
    }

    /// <summary>Completes the span and counts the call.</summary>
    public static void Stop(Activity? span, ChatClientRegistration provider, LlmPrompt prompt, ReplyBuilder reply, CallSettlement settlement, bool captureContent)
    {
        Count(provider, prompt, reply, settlement);
        if (span is null)
        {
            return;
        }

        if (span.IsAllDataRequested)
        {
            var usage = settlement.Usage;
            span.SetTag(Tags.ResponseId, settlement.ResponseId)
                .SetTag(Tags.ResponseModel, settlement.AnsweredModel)
                .SetTag(Tags.TimeToFirstChunk, reply.FirstPieceAfter?.TotalSeconds)
                .SetTag(Tags.FinishReasons, reply.FinishReason is { } reason ? new[] { reason } : null)
                .SetTag(Tags.InputTokens, usage.InputTokens)
                .SetTag(Tags.OutputTokens, usage.OutputTokens)
                .SetTag(Tags.CacheReadTokens, usage.CacheReadTokens)
                .SetTag(Tags.CacheWriteTokens, usage.CacheWriteTokens + usage.CacheWrite1hTokens)
                .SetTag(Tags.ReasoningTokens, usage.ReasoningTokens)
                .SetTag(Tags.UsageEstimated, usage.Estimated)
                .SetTag(Tags.CostUsd, (double?)settlement.CostUsd)
                .SetTag(Tags.CostSource, settlement.CostSource)
                .SetTag(Tags.ErrorType, settlement.ErrorType);
            if (captureContent && reply.Text is { Length: > 0 } text)
            {
                span.SetTag(Tags.OutputMessages, Messages([new LlmMessage("assistant", text)], reply.FinishReason));
            }
        }

        if (settlement.ErrorType is not null)
        {
            span.SetStatus(ActivityStatusCode.Error, settlement.ErrorType);
        }

        span.Stop();
    }

    private static void Count(ChatClientRegistration provider, LlmPrompt prompt, ReplyBuilder reply, CallSettlement settlement)
    {
        var tags = new TagList
        {
            { Tags.Operation, Chat },
            { Tags.Provider, provider.TelemetryName ?? provider.Name },
            { Tags.RequestModel, prompt.Model },
        };
        if (settlement.AnsweredModel is { } answered)
        {
            tags.Add(Tags.ResponseModel, answered);
        }

        if (settlement.CostUsd is { } usd)
        {
            EngineTelemetry.CostUsd.Add((double)usd, [.. tags, new(Tags.CostSource, settlement.CostSource)]);
        }
        else if (settlement.State is not CallState.PossiblyBilled)
        {
            EngineTelemetry.UnpricedCalls.Add(1, tags);
        }

        if (CostDrift.Of(settlement.ComputedUsd, settlement.ReportedUsd) is { } drift)
        {
            EngineTelemetry.CostDrift.Record((double)drift, tags);
        }

        EngineTelemetry.TokenUsage.Record(settlement.Usage.InputTokens, [.. tags, new(Tags.TokenType, "input")]);
        EngineTelemetry.TokenUsage.Record(settlement.Usage.OutputTokens, [.. tags, new(Tags.TokenType, "output")]);
        if (reply.FirstPieceAfter is { } first)
        {
            EngineTelemetry.TimeToFirstChunk.Record(first.TotalSeconds, tags);
        }

        if (settlement.ErrorType is { } error)
        {
            tags.Add(Tags.ErrorType, error);
        }

        EngineTelemetry.ChatDuration.Record(settlement.Duration.TotalSeconds, tags);
    }

    // The forms that the conventions give for content: messages of parts.
    private static string? Messages(IEnumerable<LlmMessage> messages, string? finishReason) => Json(writer =>
    {
        foreach (var message in messages)
        {
            writer.WriteStartObject();
            writer.WriteString("role", message.Role);
            writer.WriteStartArray("parts");
            WritePart(writer, message);
            writer.WriteEndArray();
            if (finishReason is not null)
            {
                writer.WriteString("finish_reason", finishReason);
            }

            writer.WriteEndObject();
        }
    });

    private static string? Parts(IEnumerable<LlmMessage> messages) => Json(writer =>
    {
        foreach (var message in messages)
        {
            WritePart(writer, message);
        }
    });

    private static void WritePart(Utf8JsonWriter writer, LlmMessage message)
    {
        writer.WriteStartObject();
        writer.WriteString("type", "text");
        writer.WriteString("content", Redactor.Secrets(message.Content));
        writer.WriteEndObject();
    }

    private static string? Json(Action<Utf8JsonWriter> write)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartArray();
            write(writer);
            writer.WriteEndArray();
        }

        return buffer.WrittenCount > 2 ? System.Text.Encoding.UTF8.GetString(buffer.WrittenSpan) : null;
    }
}
