using System.Text;
using System.Text.Json;
using LlmWorkflow.Simulator.Control;
using LlmWorkflow.Simulator.Ledger;

namespace LlmWorkflow.Simulator.Services;

/// <summary>Sends one answer of a service as the behavior entries say: whole, slowly, broken, held.</summary>
internal sealed class ServicePlayer(HttpContext http, UpstreamCall call, Behavior settings, HoldBook holds, TimeProvider time)
{
    // Large enough for full speed, small enough to stop soon.
    private const int EndlessChunk = 64 * 1024;

    // A flush ends before the bytes have left, and an abort drops what has not.
    private static readonly TimeSpan BreakPause = TimeSpan.FromMilliseconds(50);

    private static readonly TimeSpan DripPause = TimeSpan.FromMilliseconds(50);

    private HttpResponse Response => http.Response;

    /// <summary>Sends an answer as it is.</summary>
    public Task SendAsync(ServiceAnswer answer, CancellationToken gone) => PlayAsync(answer, failed: answer.IsError, gone);

    /// <param name="answer">The answer.</param>
    /// <param name="failed">It is an error, whatever its status.</param>
    /// <param name="gone">The client is gone.</param>
    public Task PlayAsync(ServiceAnswer answer, bool failed, CancellationToken gone)
    {
        if (settings.RedirectTo is { } target)
        {
            // It keeps the method and the body.
            Response.Headers.Location = target;
            Settle(StatusCodes.Status307TemporaryRedirect, failed: false);
            Response.StatusCode = StatusCodes.Status307TemporaryRedirect;
            return Task.CompletedTask;
        }

        var body = JsonSerializer.SerializeToUtf8Bytes(answer.Body, SimulatorJson.Wire.JsonObject);
        Response.StatusCode = answer.Status;
        Response.ContentType = "application/json; charset=UTF-8";
        switch (settings.Fault)
        {
            case ServiceFault.Reset:
                call.Abort(Bill.Nothing);
                http.Abort();
                return Task.CompletedTask;
            case ServiceFault.ResetInBody:
                return BreakAsync(body, gone);
            case ServiceFault.EndlessBody:
                return SendEndlesslyAsync(gone);
            case ServiceFault.MalformedJson:
                return SendAsync(body.AsMemory(0, body.Length / 2), answer.Status, failed, gone);
            case ServiceFault.Html:
                Response.ContentType = "text/html; charset=UTF-8";
                return SendAsync(Page(answer.Status), answer.Status, failed, gone);
            default:
                return SendAsync(body, answer.Status, failed, gone);
        }
    }

    /// <summary>Stands still if that is asked for here.</summary>
    public Task HoldAsync(HoldPoint point, CancellationToken gone) => holds.HoldAsync(call, settings, point, gone);

    private static byte[] Page(int status) =>
        Encoding.UTF8.GetBytes($"<!DOCTYPE html>\n<html><head><title>{status}</title></head><body><h1>{status}</h1><p>A page of a proxy.</p></body></html>\n");

    private async Task SendAsync(ReadOnlyMemory<byte> body, int status, bool failed, CancellationToken gone)
    {
        if (settings.Hold is not HoldPoint.AfterLastByte)
        {
            // With a length the client is done with the last byte, and sends its next request over a connection that is held.
            Response.ContentLength = body.Length;
        }

        if (settings.Hold is HoldPoint.BeforeFirstByte)
        {
            await Response.StartAsync(gone);
            await HoldAsync(HoldPoint.BeforeFirstByte, gone);
        }

        var last = body.Length - 1;
        var middle = settings.Hold is HoldPoint.MidStream ? body.Length / 2 : 0;
        await WriteAsync(body[..middle], gone);
        await HoldAsync(HoldPoint.MidStream, gone);
        await WriteAsync(body[middle..last], gone);
        await HoldAsync(HoldPoint.BeforeLastByte, gone);
        // Settled before the last byte: who has read a reply to its end must find it in the ledger.
        Settle(status, failed);
        await WriteAsync(body[last..], gone);
        call.Delivered();
        await HoldAsync(HoldPoint.AfterLastByte, gone);
    }

    private async Task WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken gone)
    {
        if (settings.BytesPerSecond is { } pace)
        {
            await DripAsync(bytes, pace, gone);
        }
        else if (bytes.Length > 0)
        {
            await Response.Body.WriteAsync(bytes, gone);
            // What a hold stands behind must be with the client.
            await (settings.Hold is null ? Task.CompletedTask : Response.Body.FlushAsync(gone));
        }
    }

    // By the clock and not by the count of pauses: those are longer than they say.
    private async Task DripAsync(ReadOnlyMemory<byte> bytes, double pace, CancellationToken gone)
    {
        var started = time.GetTimestamp();
        for (var sent = 0; sent < bytes.Length;)
        {
            await Task.Delay(TimeSpan.FromSeconds(Math.Max(DripPause.TotalSeconds, 1 / pace)), time, gone);
            var due = (int)Math.Clamp(time.GetElapsedTime(started).TotalSeconds * pace, sent, bytes.Length);
            await Response.Body.WriteAsync(bytes[sent..due], gone);
            await Response.Body.FlushAsync(gone);
            call.Sent();
            sent = due;
        }
    }

    private async Task BreakAsync(byte[] body, CancellationToken gone)
    {
        Response.ContentLength = body.Length;
        await Response.Body.WriteAsync(body.AsMemory(0, body.Length / 2), gone);
        await Response.Body.FlushAsync(gone);
        call.Sent();
        call.Abort(Bill.Nothing);
        await Task.Delay(BreakPause, time, gone);
        http.Abort();
    }

    private async Task SendEndlesslyAsync(CancellationToken gone)
    {
        await WriteAsync("{\"endless\":\""u8.ToArray(), gone);
        var padding = Encoding.ASCII.GetBytes(new string('x', EndlessChunk));
        while (true)
        {
            await WriteAsync(padding, gone);
            call.Sent();
            // Writes to a connection that is gone succeed.
            gone.ThrowIfCancellationRequested();
        }
    }

    private void Settle(int status, bool failed)
    {
        if (failed)
        {
            call.Fail(status);
        }
        else
        {
            call.Complete(Bill.Nothing, status: status);
        }
    }
}
