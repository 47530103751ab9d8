using System.CommandLine;
using System.ComponentModel;
using System.Diagnostics;
using Microtome.Studio;
using Microtome.Terminal;

namespace Microtome.Commands;

/// <summary><c>microtome studio</c>: a page on which circuits are traced, read and checked.</summary>
internal static class StudioCommand
{
    public static Command Create()
    {
        Option<string?> model = CommonOptions.Model(), transcoders = CommonOptions.Transcoders();
        Option<string?> memory = CommonOptions.Memory();
        Option<int?> threads = CommonOptions.Threads();
        Option<bool> json = CommonOptions.Json();
        Option<string?> index = new("--index") { Description = "What the model's features fire on: a file that microtome index wrote, or a folder of feature data of Neuronpedia or circuit-tracer.", HelpName = "FILE|DIR" };
        Option<string[]> models = new("--models") { Description = "A folder in which the page may choose further models, transcoders and feature data. May be given again.", HelpName = "DIR" };
        Option<string?> data = new("--data") { Description = "Where traces, labels, groups and presets are kept; in the user's local application data unless given.", HelpName = "DIR" };
        Option<int> port = new("--port") { Description = "The port on 127.0.0.1; any that is free unless given.", HelpName = "N" };
        Option<bool> noOpen = new("--no-open") { Description = "Print the address only; open no browser." };
        ExampleCommand command = new("studio", "Open a page in the browser: trace a prompt, read the graph, group and name its features, and check every story in the running model.",
            "microtome studio",
            "microtome studio -m google/gemma-2-2b -t mntss/gemma-scope-transcoders --port 8000",
            "microtome studio --models ~/models --data ~/circuits --no-open")
        {
            model, transcoders, index, models, port, data, noOpen, memory, threads, json,
        };
        port.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && (!int.TryParse(result.Tokens[0].Value, out int value) || value is < 0 or > 65535)) result.AddError("--port must be from 0 to 65535.");
        });
        command.Validators.Add(result =>
        {
            if (result.GetResult(transcoders) is not null && result.GetResult(model) is null) result.AddError("--transcoders needs the model that they were made for: give it with --model.");
        });
        command.SetWork(async (result, cancellation) =>
        {
            result.UseThreads(threads);
            result.UseMemory(memory);
            foreach (string folder in result.GetValue(models) ?? [])
                if (!Directory.Exists(folder)) throw new DirectoryNotFoundException($"The folder '{folder}' of --models does not exist.");
            using ProgressDisplay progress = new();
            StudioOptions options = new()
            {
                Model = result.GetValue(model),
                Transcoders = result.GetValue(transcoders),
                Index = result.GetValue(index),
                ModelFolders = result.GetValue(models) ?? [],
                Port = result.GetValue(port),
                DataFolder = result.GetValue(data) ?? StudioOptions.DefaultDataFolder,
                Downloads = progress.Downloads,
            };
            await using StudioServer server = await StudioServer.StartAsync(options, cancellation);
            Announce(server, options, result.GetValue(json));
            if (!result.GetValue(noOpen)) OpenBrowser(server.Entrance);
            try
            {
                await Task.Delay(Timeout.Infinite, cancellation);
            }
            catch (OperationCanceledException)
            {
                // Ctrl-C is how a server is meant to end.
            }
            return 0;
        });
        return command;
    }

    private static void Announce(StudioServer server, StudioOptions options, bool json)
    {
        if (json)
            JsonRecord.Print(record =>
            {
                record.WriteString("url", server.Entrance.ToString());
                record.WriteString("address", server.Address.GetLeftPart(UriPartial.Authority));
                record.WriteString("token", server.Token);
                record.WriteString("data", Path.GetFullPath(options.DataFolder));
            });
        else
        {
            Screen.Line(Screen.Escape($"Microtome studio: {server.Entrance}"));
            Screen.Line(Screen.Escape($"Kept in {Path.GetFullPath(options.DataFolder)}. Ctrl-C ends it."));
        }
    }

    /// <summary>Opens the page where there is a desktop; the address is printed anyway.</summary>
    private static void OpenBrowser(Uri address)
    {
        bool desktop = !OperatingSystem.IsLinux() || Environment.GetEnvironmentVariable("DISPLAY") is { Length: > 0 } || Environment.GetEnvironmentVariable("WAYLAND_DISPLAY") is { Length: > 0 };
        if (!desktop) return;
        try
        {
            ProcessStartInfo start = OperatingSystem.IsWindows() ? new(address.ToString()) { UseShellExecute = true } : new(OperatingSystem.IsMacOS() ? "open" : "xdg-open", [address.ToString()]);
            start.RedirectStandardOutput = start.RedirectStandardError = !start.UseShellExecute;
            Process.Start(start)?.Dispose();
        }
        catch (Exception exception) when (exception is Win32Exception or InvalidOperationException or FileNotFoundException)
        {
            // No browser could be started.
        }
    }
}
