using System.Buffers;
using System.Text.Json;
using LlmWorkflow.Simulator.Control;
using LlmWorkflow.Simulator.Ledger;

namespace LlmWorkflow.Simulator.Completions;

/// <summary>Plays one planned reply over HTTP and settles its call: whole, cut off, broken by an error, held, or left by its client.</summary>
internal sealed class ReplyPlayer(
    HttpContext http, UpstreamCall call, ChatProtocol protocol, ChatReply reply, CallBehavior behavior, HoldBook holds, TimeProvider time)
{
    // A connection that is cut at once may take bytes along that it was given just before.
    private static readonly TimeSpan BeforeCut = TimeSpan.FromMilliseconds(20);

    // Tokens that are owed if the client leaves now.
    private Func<int> produced = () => 0;

    private string FinishReason => reply.Settings.FinishReason ?? (reply.Completion.LimitReached ? "length" : "stop");

    /// <summary>Tokens after which the reply breaks off, or null when it does not.</summary>
    private int? BreaksAfter => (behavior.Fails, behavior.Settings.CutAfterTokens) switch
    {
        (true, var cut) => Math.Min(cut ?? 0, reply.Completion.OutputTokens),
        (false, { } cut) when cut < reply.Completion.OutputTokens => cut,
        _ => null,
    };

    /// <param name="read">Called when the model has read the prompt.</param>
    /// <param name="gone">The client is gone.</param>
    public async Task PlayAsync(Action read, CancellationToken gone)
    {
        try
        {
            await HoldAsync(HoldPoint.BeforeResponse, gone);
            read();
            var playback = new Playback(time, Pace.Of(behavior.Settings));
            await (reply.Request.Stream ? StreamAsync(playback, gone) : SendWholeAsync(playback, gone));
        }
        catch (Exception left) when (left is OperationCanceledException or IOException)
        {
            // The prompt is billed from the moment the model has it, whatever comes of the reply.
            call.Abort(reply.BillOf(produced()));
            throw;
        }
    }

    private async Task SendWholeAsync(Playback playback, CancellationToken gone)
    {
        var tokens = BreaksAfter ?? reply.Completion.OutputTokens;
        produced = () => playback.ProducedOf(tokens);
        await playback.WaitForAsync(tokens, gone);
        produced = () => tokens;
        if (BreaksAfter is not null && !behavior.Fails)
        {
            call.Abort(reply.BillOf(tokens));
            http.Abort();
            return;
        }

        if (BreaksAfter is not null)
        {
            SettleFailed(tokens);
        }

        var json = BreaksAfter is not null ? protocol.ErrorBody(MidwayFault(), http.Response) : protocol.Whole(reply);
        var body = JsonSerializer.SerializeToUtf8Bytes(json, SimulatorJson.Wire.JsonObject);
        http.Response.ContentType = "application/json";
        if (behavior.Settings.Hold is not HoldPoint.AfterLastByte)
        {
            // With a length the client is done with the last byte, and sends its next request over a connection that is held.
            http.Response.ContentLength = body.Length;
        }

        await HoldBeforeFirstByteAsync(gone);
        var held = await HoldWithinAsync(body, gone);
        call.Complete(reply.BillOf(tokens), FinishReason);
        http.Response.BodyWriter.Write(body.AsSpan(held));
        await EndAsync(gone);
    }

    private async Task StreamAsync(Playback playback, CancellationToken gone)
    {
        var output = http.Response.BodyWriter;
        produced = () => playback.Sent;
        http.Response.ContentType = "text/event-stream";
        http.Response.Headers.CacheControl = "no-cache";
        await HoldBeforeFirstByteAsync(gone);
        protocol.WriteOpening(output, reply);
        await FlushAsync(gone);
        await playback.WaitForFirstAsync(
            () =>
            {
                protocol.WriteWaiting(output, reply);
                return FlushAsync(gone);
            },
            gone);
        protocol.WriteFirst(output, reply);

        var tokens = BreaksAfter ?? reply.Completion.OutputTokens;
        if (behavior.Settings.Hold is HoldPoint.MidStream)
        {
            await playback.SendAsync(tokens / 2, SendAsync, gone);
            await FlushAsync(gone);
            await HoldAsync(HoldPoint.MidStream, gone);
        }

        await playback.SendAsync(tokens, SendAsync, gone);
        if (BreaksAfter is not null)
        {
            await BreakStreamAsync(playback.Sent, gone);
            return;
        }

        protocol.WriteEnding(output, reply);
        if (behavior.Settings.Hold is HoldPoint.BeforeLastByte)
        {
            await FlushAsync(gone);
            await HoldAsync(HoldPoint.BeforeLastByte, gone);
        }

        call.Complete(reply.BillOf(tokens), FinishReason);
        protocol.WriteEndMark(output, reply);
        await EndAsync(gone);

        Task SendAsync(int from, int to)
        {
            protocol.WriteTokens(output, reply, from, to);
            return FlushAsync(gone);
        }
    }

    private async Task BreakStreamAsync(int sent, CancellationToken gone)
    {
        if (behavior.Fails)
        {
            SettleFailed(sent);
            protocol.WriteError(http.Response.BodyWriter, reply, MidwayFault());
            await FlushAsync(gone);
            return;
        }

        call.Abort(reply.BillOf(sent));
        await Task.Delay(BeforeCut, time, gone);
        http.Abort();
    }

    private async Task EndAsync(CancellationToken gone)
    {
        await http.Response.BodyWriter.FlushAsync(gone);
        // Kestrel drops what is written to a closed connection without a word.
        gone.ThrowIfCancellationRequested();
        call.Delivered();
        await HoldAsync(HoldPoint.AfterLastByte, gone);
    }

    private async Task FlushAsync(CancellationToken gone)
    {
        if (http.Response.BodyWriter.UnflushedBytes > 0)
        {
            await http.Response.BodyWriter.FlushAsync(gone);
            call.Sent();
        }
    }

    private async Task HoldBeforeFirstByteAsync(CancellationToken gone)
    {
        if (behavior.Settings.Hold is HoldPoint.BeforeFirstByte)
        {
            await http.Response.StartAsync(gone);
            await http.Response.BodyWriter.FlushAsync(gone);
            await HoldAsync(HoldPoint.BeforeFirstByte, gone);
        }
    }

    // How much of the body was sent before the hold.
    private async Task<int> HoldWithinAsync(byte[] body, CancellationToken gone)
    {
        var length = behavior.Settings.Hold switch
        {
            HoldPoint.MidStream => body.Length / 2,
            HoldPoint.BeforeLastByte => body.Length - 1,
            _ => 0,
        };
        if (length > 0)
        {
            http.Response.BodyWriter.Write(body.AsSpan(0, length));
            await FlushAsync(gone);
            await HoldAsync(behavior.Settings.Hold!.Value, gone);
        }

        return length;
    }

    private Task HoldAsync(HoldPoint point, CancellationToken gone) => holds.HoldAsync(call, behavior.Settings, point, gone);

    private UpstreamFault MidwayFault() => protocol.Fault(status: null, reply.Settings.ErrorCode, reply.Model);

    // A model that broke before its first token is not charged for.
    private void SettleFailed(int tokens) => call.Fail(StatusCodes.Status200OK, tokens == 0 ? null : reply.BillOf(tokens));
}
