// Every command by key, and the list of them.

const byId = (id) => document.getElementById(id);

export function bindKeys({ viewer, tools, accept, exclude, takeBack, restore, go, step, turn, copy, focusList }) {
  const tool = (name) => () => tools.choose(name);
  const toggle = (name) => () => { viewer.overlay[name] = !viewer.overlay[name]; viewer.redraw(); };
  const arrow = (x, y) => (event) => {
    if (event.shiftKey) return viewer.windowBy(-y * 0.05, x * 0.1);
    if (!tools.nudge(event.altKey ? 5 * x : x, event.altKey ? 5 * y : y)) viewer.moveBy(-40 * x, -40 * y);
  };
  const groups = {
    "Lesions": [
      [["n"], "N", "next lesion", () => go(1)],
      [["p"], "P", "previous lesion", () => go(-1)],
      [["Enter"], "Enter", "accept the contour shown", () => { if (!tools.closeOutline()) accept(); }],
      [["u"], "U", "unusable, with a reason", exclude],
      [["t"], "T", "take the decision back", takeBack],
      [["l"], "L", "to the worklist", focusList],
      [["f", "/"], "F", "find in the worklist", () => byId("find").focus()],
    ],
    "Contour": [
      [["z"], "Z", "undo", () => step("done", "undone")],
      [["y"], "Y", "redo", () => step("undone", "done")],
      [["r"], "R", "restore the drawn contour, of a volume in this slice", restore],
      [["h"], "H", "hide or show contours", toggle("hidden")],
      [["g"], "G", "hide or show the drawn one", toggle("showDrawn")],
    ],
    "Tools": [
      [["b"], "B", "brush; Shift erases", tool("brush")],
      [["e"], "E", "eraser; Shift paints", tool("eraser")],
      [["["], "[", "smaller brush", () => tools.resize(tools.radius - 1)],
      [["]"], "]", "larger brush", () => tools.resize(tools.radius + 1)],
      [["c"], "C", "points of the contour", tool("points")],
      [["d"], "D", "new outline: click or drag; Enter closes it", tool("outline")],
      [["x"], "X", "box: drag a new one, or click to move it, and nnU-Net draws again", () => tools.box()],
      [["Escape"], "Esc", "give up the outline", () => tools.cancel()],
    ],
    "Points": [
      [["."], ".", "select the next point", () => tools.select(1)],
      [[","], ",", "select the previous point", () => tools.select(-1)],
      [["i", "Insert"], "I", "insert a point after it", () => tools.insertPoint()],
      [["Delete", "Backspace"], "Delete", "remove it (Alt click, too)", () => tools.removePoint()],
      [[], "Arrows", "move it by 1 px, with Alt by 5"],
    ],
    "Slices of a volume": [
      [["PageDown"], "Page Down", "next slice (or the wheel; Ctrl wheel zooms)", () => turn(1)],
      [["PageUp"], "Page Up", "previous slice", () => turn(-1)],
      [["k"], "K", "copy the contour of the slice before, Shift: after", (event) => copy(event.shiftKey ? 1 : -1)],
    ],
    "Image": [
      [["+", "="], "+", "zoom in", () => viewer.zoomBy(1.25)],
      [["-"], "-", "zoom out", () => viewer.zoomBy(0.8)],
      [["0"], "0", "fit the region", () => viewer.fit()],
      [["ArrowLeft"], "Arrows", "move the image", arrow(-1, 0)],
      [["m"], "M", "move with the pointer (or Space, middle button)", tool("pan")],
      [["ArrowUp"], "Shift Up Down", "window level", arrow(0, -1)],
      [["ArrowRight"], "Shift Left Right", "window width", arrow(1, 0)],
      [["w"], "W", "window with the pointer (or right button)", tool("window")],
      [["a"], "A", "window of the region's own range", () => viewer.pixels && viewer.autoWindow()],
      [["?"], "?", "this list", () => byId("help").showModal()],
    ],
  };
  const commands = new Map([["ArrowDown", arrow(0, 1)]]);
  for (const rows of Object.values(groups)) for (const [keys, , , run] of rows) for (const key of keys) commands.set(key, run);
  byId("keys").replaceChildren(...Object.entries(groups).map(([title, rows]) => table(title, rows)));

  addEventListener("keydown", (event) => {
    if (event.key === " " && document.activeElement === viewer.canvas) { tools.spaced = true; event.preventDefault(); }
    if (document.querySelector("dialog[open]") || event.target.matches("select, input[type='search'], input[type='text']")) {
      if (event.key === "Escape" && event.target.id === "find") viewer.canvas.focus();
      return;
    }
    if (event.ctrlKey || event.metaKey) {
      const key = event.key.toLowerCase(), redo = key === "y" || (key === "z" && event.shiftKey);
      if (key !== "z" && key !== "y") return;
      event.preventDefault();
      return redo ? step("undone", "done") : step("done", "undone");
    }
    const onButton = event.target.matches("button, input"), key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (onButton && (key === "Enter" || key === " " || (event.target.matches("input") && key.startsWith("Arrow")))) return;
    const run = commands.get(key);
    if (!run || (event.altKey && !key.startsWith("Arrow"))) return;
    event.preventDefault();
    run(event);
  });
  addEventListener("keyup", (event) => { if (event.key === " ") tools.spaced = false; });
}

function table(title, rows) {
  const list = document.createElement("dl"), head = document.createElement("h3");
  head.textContent = title;
  for (const [, key, words] of rows) {
    const row = document.createElement("div"), name = document.createElement("dt"), what = document.createElement("dd");
    name.append(Object.assign(document.createElement("kbd"), { textContent: key }));
    what.textContent = words;
    row.append(name, what);
    list.append(row);
  }
  const part = document.createElement("section");
  part.append(head, list);
  return part;
}
