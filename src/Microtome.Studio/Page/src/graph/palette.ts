/** The colours that the canvas draws with: those of the style sheet, which knows light and dark. */
export interface Palette {
  surface: string;
  ink: string;
  muted: string;
  line: string;
  band: string;
  node: string;
  nodeEdge: string;
  steering: string;
  positive: string;
  negative: string;
  onlyA: string;
  onlyB: string;
  accent: string;
  focus: string;
  font: string;
  mono: string;
}

export function readPalette(element: Element): Palette {
  const style = getComputedStyle(element);
  const value = (name: string) => style.getPropertyValue(name).trim();
  return {
    surface: value("--surface"),
    ink: value("--ink"),
    muted: value("--muted"),
    line: value("--line"),
    band: value("--band"),
    node: value("--node"),
    nodeEdge: value("--node-edge"),
    steering: value("--steering"),
    positive: value("--positive"),
    negative: value("--negative"),
    onlyA: value("--only-a"),
    onlyB: value("--only-b"),
    accent: value("--accent"),
    focus: value("--focus"),
    font: value("--font"),
    mono: value("--mono"),
  };
}
