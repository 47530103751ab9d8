import { useEffect, useRef } from "preact/hooks";

const sections: { title: string; keys: [string[], string][] }[] = [
  {
    title: "Anywhere",
    keys: [
      [["n"], "Write a prompt"],
      [["Ctrl", "↵"], "Trace it"],
      [["/"], "Search nodes"],
      [["e"], "Go to the graph"],
      [["f"], "Feature"],
      [["c"], "Check"],
      [["?"], "This list"],
    ],
  },
  {
    title: "In the graph",
    keys: [
      [["←", "→"], "Next node of the layer"],
      [["↑", "↓"], "Nearest node of the next layer"],
      [["["], "Strongest input"],
      [["]"], "Strongest output"],
      [["↵"], "Pin or unpin"],
      [["t"], "Only this token"],
      [["g"], "Group this token's features"],
      [["+", "−"], "Zoom"],
      [["0"], "Fit"],
      [["Shift", "arrows"], "Pan"],
      [["Esc"], "Select nothing"],
    ],
  },
  {
    title: "In the story",
    keys: [
      [["Tab"], "Next box"],
      [["arrows"], "Move it"],
      [["↵"], "Select it in the graph"],
    ],
  },
];

export function Shortcuts({ onClose }: { onClose: () => void }) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => ref.current!.showModal(), []);
  return (
    <dialog ref={ref} class="dialog shortcuts" aria-labelledby="shortcuts-title" onClose={onClose} onClick={(event) => event.target === ref.current && ref.current!.close()}>
      <h2 id="shortcuts-title">Keyboard shortcuts</h2>
      <div class="shortcut-sections">
        {sections.map((section) => (
          <section>
            <h3>{section.title}</h3>
            <dl>
              {section.keys.map(([keys, text]) => (
                <div>
                  <dt>
                    {keys.map((key) => (
                      <kbd>{key}</kbd>
                    ))}
                  </dt>
                  <dd>{text}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <div class="dialog-buttons">
        <button type="button" onClick={() => ref.current!.close()}>
          Close
        </button>
      </div>
    </dialog>
  );
}
