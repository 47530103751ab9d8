using Microtome.Models.Hub;
using Microtome.Studio.Jobs;

namespace Microtome.Studio.Models;

/// <summary>Shows a download as a job's progress.</summary>
internal sealed class DownloadReport(Job job, string name, IProgress<DownloadProgress>? others) : IProgress<DownloadProgress>
{
    public void Report(DownloadProgress value)
    {
        double? fraction = value.Size is > 0 ? (double)value.Bytes / value.Size.Value : value.FileSize > 0 ? (double)value.FileBytes / value.FileSize : null;
        job.Report("downloading", fraction, $"{name}: {value.File}, {value.FilesDone} of {value.Files} files");
        others?.Report(value);
    }
}
