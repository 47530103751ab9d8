using Microsoft.AspNetCore.Http.Features;

namespace Microtome.Studio.Api;

/// <summary>Bodies that are files.</summary>
internal static class Uploads
{
    /// <summary>Reads a body of at most <see cref="RequestBounds.Upload"/> bytes; memory grows with what arrives, not with what is announced.</summary>
    public static async Task<ReadOnlyMemory<byte>> ReadAsync(HttpContext context, CancellationToken cancellation)
    {
        context.Features.Get<IHttpMaxRequestBodySizeFeature>()!.MaxRequestBodySize = RequestBounds.Upload;
        MemoryStream bytes = new();
        byte[] buffer = new byte[1 << 16];
        for (int count; (count = await context.Request.Body.ReadAsync(buffer, cancellation)) > 0;)
        {
            bytes.Write(buffer, 0, count);
            if (bytes.Length > RequestBounds.Upload) throw RequestException.TooLarge($"The file is larger than {RequestBounds.Upload >> 20} MB.");
        }
        if (bytes.Length == 0) throw RequestException.Bad("The body is empty; it must be the file.");
        return bytes.GetBuffer().AsMemory(0, (int)bytes.Length);
    }
}
