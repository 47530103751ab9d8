using System.Net;
using System.Net.Http.Json;

namespace Microtome.Studio.Tests;

[Collection(StudioCollection.Name)]
public class AccessTests(RunningStudio studio)
{
    [Theory]
    [InlineData("/")]
    [InlineData("/api/models")]
    [InlineData("/api/traces")]
    [InlineData("/openapi.json")]
    [InlineData("/assets/anything.js")]
    public async Task Nothing_is_served_without_the_token(string path)
    {
        using HttpResponseMessage response = await studio.BareAsync(new HttpRequestMessage(HttpMethod.Get, path));
        response.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task A_person_without_the_token_is_told_what_to_open()
    {
        using HttpRequestMessage request = new(HttpMethod.Get, "/");
        request.Headers.Add("Accept", "text/html");
        using HttpResponseMessage response = await studio.BareAsync(request);
        response.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("text/html");
        (await response.Content.ReadAsStringAsync()).ShouldNotContain(studio.Server.Token);
    }

    [Theory]
    [InlineData("x")]
    [InlineData("")]
    [InlineData("ééé")]
    public async Task Another_token_is_refused(string token)
    {
        using HttpRequestMessage header = new(HttpMethod.Get, "/api/models");
        header.Headers.TryAddWithoutValidation("Authorization", $"Bearer {Uri.EscapeDataString(token)}");
        using HttpResponseMessage first = await studio.BareAsync(header);
        first.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        using HttpResponseMessage second = await studio.BareAsync(new HttpRequestMessage(HttpMethod.Get, $"/?token={Uri.EscapeDataString(token)}"));
        second.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        second.Headers.Contains("Set-Cookie").ShouldBeFalse();
    }

    [Fact]
    public async Task The_printed_address_gives_a_strict_cookie_and_leads_to_the_page_without_the_token()
    {
        using HttpResponseMessage entrance = await studio.BareAsync(new HttpRequestMessage(HttpMethod.Get, studio.Server.Entrance));
        entrance.StatusCode.ShouldBe(HttpStatusCode.Redirect);
        entrance.Headers.Location!.ToString().ShouldBe("/");
        string cookie = entrance.Headers.GetValues("Set-Cookie").Single();
        cookie.ShouldContain("httponly", Case.Insensitive);
        cookie.ShouldContain("samesite=strict", Case.Insensitive);

        using HttpRequestMessage request = new(HttpMethod.Get, "/api/models");
        request.Headers.Add("Cookie", cookie.Split(';')[0]);
        using HttpResponseMessage response = await studio.BareAsync(request);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("evil.example")]
    [InlineData("127.0.0.1.evil.example")]
    [InlineData("localhost.evil.example:80")]
    [InlineData("0.0.0.0")]
    public async Task A_name_that_was_pointed_here_is_refused_even_with_the_token(string host)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, $"/?token={studio.Server.Token}");
        request.Headers.Host = host;
        using HttpResponseMessage response = await studio.BareAsync(request);
        response.StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        response.Headers.Contains("Set-Cookie").ShouldBeFalse();
    }

    [Theory]
    [InlineData("Origin", "http://evil.example")]
    [InlineData("Origin", "null")]
    [InlineData("Sec-Fetch-Site", "cross-site")]
    [InlineData("Sec-Fetch-Site", "same-site")]
    public async Task Requests_of_other_sites_are_refused_even_with_the_token(string header, string value)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, "/api/models/given/tokens") { Content = JsonContent.Create(new { text = "a" }) };
        request.Headers.Add(header, value);
        using HttpResponseMessage response = await studio.Client.SendAsync(request);
        response.StatusCode.ShouldBe(HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task The_pages_own_requests_are_answered()
    {
        using HttpRequestMessage request = new(HttpMethod.Get, "/api/models");
        request.Headers.Add("Origin", studio.Address.GetLeftPart(UriPartial.Authority));
        request.Headers.Add("Sec-Fetch-Site", "same-origin");
        using HttpResponseMessage response = await studio.Client.SendAsync(request);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.Headers.Contains("Access-Control-Allow-Origin").ShouldBeFalse();
    }

    [Fact]
    public async Task Answers_forbid_foreign_scripts_frames_and_guessing_of_types()
    {
        using HttpResponseMessage response = await studio.Client.GetAsync("/");
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("text/html");
        string policy = response.Headers.GetValues("Content-Security-Policy").Single();
        policy.ShouldContain("default-src 'none'");
        policy.ShouldContain("script-src 'self';");
        policy.ShouldContain("frame-ancestors 'none'");
        response.Headers.GetValues("X-Content-Type-Options").Single().ShouldBe("nosniff");
    }

    [Fact]
    public void It_listens_on_the_loopback_address() => studio.Address.Host.ShouldBe("127.0.0.1");

    [Theory]
    [InlineData("/../../../etc/passwd")]
    [InlineData("/..%2f..%2fetc%2fpasswd")]
    [InlineData("/api/traces/..%2f..%2fstudio.db")]
    [InlineData("/api/traces/..%2f..%2fstudio/graph.safetensors")]
    [InlineData("/api/traces/%2e%2e/graph")]
    [InlineData("/api/jobs/..%5c..")]
    public async Task Paths_lead_nowhere_else(string path)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, new Uri(studio.Address, path));
        using HttpResponseMessage response = await studio.Client.SendAsync(request);
        response.StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_body_beyond_the_bound_is_refused()
    {
        string detail = await studio.RefusedAsync(HttpStatusCode.RequestEntityTooLarge, HttpMethod.Post, "/api/models/given/tokens", new { text = new string('a', 1 << 21) });
        detail.ShouldContain("larger");
        (await studio.RefusedAsync(HttpStatusCode.RequestEntityTooLarge, HttpMethod.Post, "/api/traces", new { model = "given", prompt = new string('a', 200_000) })).ShouldContain("100000");
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("\"text\"")]
    [InlineData("{}")]
    [InlineData("{\"text\": 5}")]
    [InlineData("{\"text\": null}")]
    [InlineData("{\"text\": \"\\ud800\"}")]
    public async Task A_body_that_is_not_the_requests_is_refused(string json) =>
        await studio.RefusedAsync(HttpStatusCode.BadRequest, HttpMethod.Post, "/api/models/given/tokens", new StringContent(json, System.Text.Encoding.UTF8, "application/json"));

    [Fact]
    public async Task What_does_not_exist_is_said_to_be_missing()
    {
        await studio.RefusedAsync(HttpStatusCode.NotFound, HttpMethod.Get, "/api/nothing");
        await studio.RefusedAsync(HttpStatusCode.NotFound, HttpMethod.Get, "/api/models/nothing");
        await studio.RefusedAsync(HttpStatusCode.NotFound, HttpMethod.Get, "/api/traces/nothing");
        await studio.RefusedAsync(HttpStatusCode.NotFound, HttpMethod.Get, "/api/jobs/nothing/events");
        await studio.RefusedAsync(HttpStatusCode.MethodNotAllowed, HttpMethod.Delete, "/api/models");
    }
}
