import { call } from "../api/client";
import type { Story, Sums } from "../api/types";

/** Properties that make an SVG look the same without the page's style sheet. */
const properties = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "font-family", "font-size", "font-weight", "text-anchor", "opacity"];

/** The drawing as a file of its own: styles become attributes, and what only the page needs is left out. */
export function standaloneSvg(svg: SVGSVGElement, background: string): string {
  const copy = svg.cloneNode(true) as SVGSVGElement;
  const originals = svg.querySelectorAll<SVGElement>("*");
  copy.querySelectorAll<SVGElement>("*").forEach((element, i) => {
    const style = getComputedStyle(originals[i]);
    for (const property of properties) {
      const value = style.getPropertyValue(property);
      if (value && value !== "none" && !(property === "opacity" && value === "1")) element.setAttribute(property, value);
      else if (value === "none" && (property === "fill" || property === "stroke")) element.setAttribute(property, "none");
    }
    for (const name of ["class", "style", "tabindex", "role", "draggable"]) element.removeAttribute(name);
  });
  const { width, height } = svg.viewBox.baseVal;
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", String(width));
  copy.setAttribute("height", String(height));
  copy.removeAttribute("class");
  copy.removeAttribute("style");
  const ground = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  ground.setAttribute("width", String(width));
  ground.setAttribute("height", String(height));
  ground.setAttribute("fill", background);
  copy.prepend(ground);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(copy)}\n`;
}

export async function pngOf(svgText: string, scale = 2): Promise<Blob> {
  const url = URL.createObjectURL(new Blob([svgText], { type: "image/svg+xml" }));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = Math.min(16000, image.width * scale);
    canvas.height = Math.min(16000, image.height * scale);
    canvas.getContext("2d")!.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The picture is too large for this browser."))), "image/png"));
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** The story with its sums, and in Neuronpedia's form, which the API takes back. */
export async function jsonOf(traceId: string, story: Story, sums: Sums | null): Promise<string> {
  const subgraph = await call<unknown>("GET", `/traces/${traceId}/subgraph`);
  return `${JSON.stringify({ story, sums, subgraph }, null, 2)}\n`;
}

export function download(name: string, content: Blob | string, type: string): void {
  const url = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
