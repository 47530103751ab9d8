using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace Microtome.Tests;

public class StudioCommandTests
{
    [UnixFact]
    public async Task The_studio_prints_its_address_serves_the_page_and_ends_with_Ctrl_C()
    {
        using TemporaryFolder folder = new();
        ProcessStartInfo start = new("dotnet", [Path.Combine(AppContext.BaseDirectory, "microtome.dll"), "studio", "--no-open", "--json", "--data", folder["data"]]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process studio = Process.Start(start)!;
        try
        {
            JsonElement record = JsonDocument.Parse((await studio.StandardOutput.ReadLineAsync())!).RootElement;
            record.GetProperty("url").GetString().ShouldBe($"{record.GetProperty("address").GetString()}/?token={record.GetProperty("token").GetString()}");
            using HttpClient client = new() { BaseAddress = new Uri(record.GetProperty("address").GetString()!) };
            using HttpResponseMessage refused = await client.GetAsync("/");
            refused.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", record.GetProperty("token").GetString());
            (await client.GetStringAsync("/")).ShouldContain("<title>Microtome studio</title>");
            JsonDocument.Parse(await client.GetStringAsync("/api/models")).RootElement.GetProperty("models")[0].GetProperty("state").GetString().ShouldBe("ready");

            // A stream that is open does not hold the program up.
            using HttpRequestMessage trace = new(HttpMethod.Post, "/api/traces") { Content = new StringContent("""{"model": "shipped", "prompt": "Tom", "keep": true}""", new MediaTypeHeaderValue("application/json")) };
            trace.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
            using HttpResponseMessage stream = await client.SendAsync(trace, HttpCompletionOption.ResponseHeadersRead);
            using (Process kill = Process.Start("kill", ["-INT", $"{studio.Id}"])) await kill.WaitForExitAsync();
            await studio.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(1));
            studio.ExitCode.ShouldBe(0);
            (await studio.StandardError.ReadToEndAsync()).ShouldBeEmpty();
        }
        finally
        {
            if (!studio.HasExited) studio.Kill(entireProcessTree: true);
        }
    }
}
