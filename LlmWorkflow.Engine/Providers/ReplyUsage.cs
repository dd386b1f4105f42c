using System.Text.Json;
using LlmWorkflow.Engine.Costs;
using Microsoft.Extensions.AI;

namespace LlmWorkflow.Engine.Providers;

/// <summary>A provider's usage block in Microsoft.Extensions.AI's types, with what the ledger wants to know beside it. Pure.</summary>
/// <param name="Details">Tokens; null when the block has none of the known forms: the usage is then estimated, which is better than losing a paid reply.</param>
/// <param name="Properties">For the reply's additional properties.</param>
internal sealed record ReplyUsage(UsageDetails? Details, AdditionalPropertiesDictionary Properties)
{
    /// <summary>Null when there is no block.</summary>
    /// <param name="block">As it came.</param>
    /// <param name="around">The reply that it came in, which may name the service tier; Undefined: it has nothing to say.</param>
    /// <param name="reportsCost">Whether an amount in the block is USD charged.</param>
    /// <param name="upstreamProvider">The host behind a router; null: none is named.</param>
    public static ReplyUsage? Read(JsonElement block, JsonElement around, bool reportsCost, string? upstreamProvider)
    {
        if (block.ValueKind is not JsonValueKind.Object)
        {
            return null;
        }

        var properties = new AdditionalPropertiesDictionary { [ChatCallProgress.RawUsage] = block };
        if (upstreamProvider is not null)
        {
            properties[ChatCallProgress.UpstreamProvider] = upstreamProvider;
        }

        if (UsageReader.Read(around.ValueKind is JsonValueKind.Object ? around : block) is not { } report)
        {
            return new ReplyUsage(null, properties);
        }

        if (reportsCost && report.ReportedUsd is { } usd)
        {
            properties[ChatCallProgress.CostUsd] = usd;
        }

        if (report.Terms.Count > 0)
        {
            properties[ChatCallProgress.Terms] = report.Terms;
        }

        return new ReplyUsage(ChatCallProgress.ToUsageDetails(report.Tokens), properties);
    }

    /// <summary>Puts it on a piece of a stream.</summary>
    /// <param name="update">The piece.</param>
    /// <param name="isPartial">More of the reply is to come, so its output is not final.</param>
    public void AttachTo(ChatResponseUpdate update, bool isPartial)
    {
        update.AdditionalProperties = Properties;
        if (isPartial)
        {
            Properties[ChatCallProgress.PartialUsage] = true;
        }

        if (Details is not null)
        {
            update.Contents.Add(new UsageContent(Details));
        }
    }
}
