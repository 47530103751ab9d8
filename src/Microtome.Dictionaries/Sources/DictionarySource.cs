using Microtome.Models;

namespace Microtome.Dictionaries;

/// <summary>Opens dictionaries of any kind by their path.</summary>
public static class DictionarySource
{
    /// <summary>
    /// A folder or Hub name of transcoders (with <c>config.yaml</c>), or a folder of one autoencoder or transcoder in SAELens's or Gemma Scope's layout; without a name,
    /// the transcoders that come with the program.
    /// </summary>
    /// <returns>The dictionary, and what holds its files open.</returns>
    /// <exception cref="InvalidDataException">It is damaged or does not fit the model.</exception>
    public static async Task<(JudgedDictionary Dictionary, IDisposable Files)> OpenAsync(string? name, ModelSource source, ModelSpecification model)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (name is not null && Directory.Exists(name) && !File.Exists(Path.Combine(name, "config.yaml")) && AutoencoderReader.Recognizes(name))
        {
            SparseAutoencoder autoencoder = AutoencoderReader.Open(name);
            return Checked(autoencoder, () => JudgedDictionary.Of(Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(name))), autoencoder, model));
        }
        TranscoderSet set = await source.LoadTranscodersAsync(name);
        return Checked(set, () => JudgedDictionary.Of(set, model));
    }

    private static (JudgedDictionary, IDisposable) Checked(IDisposable files, Func<JudgedDictionary> open)
    {
        try
        {
            return (open(), files);
        }
        catch
        {
            files.Dispose();
            throw;
        }
    }
}
