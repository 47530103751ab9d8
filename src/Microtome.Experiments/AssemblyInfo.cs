using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Microtome.Experiments.Tests")]
