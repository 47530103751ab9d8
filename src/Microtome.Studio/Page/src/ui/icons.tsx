import type { JSX } from "preact";

const icon = (paths: JSX.Element) => () => (
  <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round">
    {paths}
  </svg>
);

export const Plus = icon(<path d="M8 3v10M3 8h10" />);
export const Minus = icon(<path d="M3 8h10" />);
export const Close = icon(<path d="m4 4 8 8M12 4l-8 8" />);
export const Fit = icon(<path d="M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10" />);
export const Expand = icon(<path d="M9.5 2.5h4v4M13.5 2.5 9 7M6.5 13.5h-4v-4M2.5 13.5 7 9" />);
export const Shrink = icon(<path d="M13.5 6.5h-4v-4M9.5 6.5 14 2M2.5 9.5h4v4M6.5 9.5 2 14" />);
export const Search = icon(
  <>
    <circle cx="7" cy="7" r="4.5" />
    <path d="m10.5 10.5 3.5 3.5" />
  </>,
);
export const Filter = icon(<path d="M2 4h12M4.5 8h7M6.5 12h3" />);
export const Pin = icon(<path d="M9.8 2.2 13.8 6.2 12.6 6.6 9.9 9.3 9.6 12 8.2 12.6 3.4 7.8 4 6.4 6.7 6.1 9.4 3.4zM5.6 10.4 2.4 13.6" />);
export const Sun = icon(
  <>
    <circle cx="8" cy="8" r="3" />
    <path d="M8 1.5v1M8 13.5v1M1.5 8h1M13.5 8h1M3.4 3.4l.7.7M11.9 11.9l.7.7M12.6 3.4l-.7.7M4.1 11.9l-.7.7" />
  </>,
);
export const Moon = icon(<path d="M13.2 9.6A5.6 5.6 0 0 1 6.4 2.8a5.6 5.6 0 1 0 6.8 6.8z" />);
export const Auto = icon(
  <>
    <circle cx="8" cy="8" r="5.5" />
    <path d="M8 2.5v11A5.5 5.5 0 0 0 8 2.5z" fill="currentColor" />
  </>,
);
export const Keyboard = icon(
  <>
    <rect x="1.5" y="4" width="13" height="8.5" rx="1.5" />
    <path d="M4 6.8h.01M6.7 6.8h.01M9.3 6.8h.01M12 6.8h.01M5 9.8h6" />
  </>,
);
export const Trash = icon(<path d="M3 4.5h10M6.5 4.5V3h3v1.5M4.5 4.5l.6 8.5h5.8l.6-8.5" />);
export const Pencil = icon(<path d="m3 13 .7-3L10.8 2.9l2.3 2.3L6 12.3zM9.3 4.4l2.3 2.3" />);
export const Download = icon(<path d="M8 2.5v8M4.8 7.5 8 10.7l3.2-3.2M3 13.5h10" />);
export const Upload = icon(<path d="M8 10.5v-8M4.8 5.5 8 2.3l3.2 3.2M3 13.5h10" />);
export const Play = icon(<path d="M5 3.2v9.6L12.8 8z" fill="currentColor" />);
export const Stop = icon(<rect x="4" y="4" width="8" height="8" rx="1" fill="currentColor" />);
export const Merge = icon(
  <>
    <path d="M3 2.5c0 4 5 4 5 7.5M13 2.5c0 4-5 4-5 7.5" />
    <circle cx="8" cy="12" r="1.8" fill="currentColor" />
  </>,
);
export const Link = icon(<path d="M6.8 9.2a2.7 2.7 0 0 0 3.8 0l2-2a2.7 2.7 0 0 0-3.8-3.8l-.8.8M9.2 6.8a2.7 2.7 0 0 0-3.8 0l-2 2a2.7 2.7 0 0 0 3.8 3.8l.8-.8" />);
export const Copy = icon(
  <>
    <rect x="5.5" y="5.5" width="8" height="8" rx="1.5" />
    <path d="M10.5 5.5V4A1.5 1.5 0 0 0 9 2.5H4A1.5 1.5 0 0 0 2.5 4v5A1.5 1.5 0 0 0 4 10.5h1.5" />
  </>,
);
export const Panel = icon(
  <>
    <rect x="2" y="3" width="12" height="10" rx="1.5" />
    <path d="M6.2 3v10" />
  </>,
);
