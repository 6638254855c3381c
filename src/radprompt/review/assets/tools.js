// Brush, eraser, points, new outline, move and window, by pointer and by key.

import { fill, fromSegment, points, stroke } from "./mask.js";

const byId = (id) => document.getElementById(id);
const REACH = 9; // CSS pixels within which a point or line is taken hold of

export class Tools {
  constructor(viewer, { present, commit, shown, ask, prepare, turn }) {
    Object.assign(this, { viewer, present, commit, shown, ask, prepare, turn, tool: "pan", radius: 6, drag: null });
    viewer.overlay = { showDrawn: true, hidden: false };
    const { canvas } = viewer;
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const kind of ["pointerup", "pointercancel"]) canvas.addEventListener(kind, (event) => this.up(event));
    canvas.addEventListener("pointerleave", () => this.point(null));
    canvas.addEventListener("dblclick", () => this.closeOutline());
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      if (this.present()?.depth > 1 && !event.ctrlKey) return this.turn(Math.sign(event.deltaY));
      const frame = canvas.getBoundingClientRect();
      viewer.zoomBy(Math.exp(-event.deltaY * 0.0015), event.clientX - frame.left, event.clientY - frame.top);
    }, { passive: false });
    for (const button of document.querySelectorAll("[data-tool]")) button.addEventListener("click", () => this.choose(button.dataset.tool));
    byId("size").addEventListener("input", (event) => this.resize(Number(event.target.value)));
    this.choose("pan");
  }

  choose(tool) {
    this.tool = tool;
    for (const button of document.querySelectorAll("[data-tool]")) button.setAttribute("aria-pressed", button.dataset.tool === tool);
    this.viewer.canvas.dataset.tool = tool;
    if (tool === "box") this.prepare();
    this.reset();
  }

  // Forget handles and unfinished outlines, as when the contour is another one.
  reset() {
    this.drag = null;
    this.outline = null;
    this.selected = null;
    const lesion = this.present();
    const distance = lesion ? Math.min(2, Math.max(0.6, Math.sqrt(lesion.current.length) / 250)) : 0;
    this.rings = lesion && this.tool === "points" ? points(lesion.current, lesion.width, lesion.height, distance) : null;
    this.look();
  }

  resize(radius) {
    this.radius = Math.min(60, Math.max(1, radius));
    byId("size").value = this.radius;
    byId("size-words").textContent = `${this.radius} px`;
    this.look();
  }

  look() {
    const brushes = this.tool === "brush" || this.tool === "eraser";
    Object.assign(this.viewer.overlay, {
      rings: this.rings, selected: this.selected, outline: this.outline,
      brush: brushes ? this.radius : 0, erases: this.tool === "eraser",
    });
    this.viewer.redraw();
  }

  point(place) {
    this.viewer.overlay.pointer = place;
    this.viewer.redraw();
  }

  down(event) {
    const lesion = this.present();
    if (!lesion || this.drag) return;
    this.viewer.canvas.setPointerCapture(event.pointerId);
    const place = this.viewer.toImage(event);
    if (event.button === 1 || this.spaced || (event.button === 0 && this.tool === "pan")) this.drag = { kind: "pan" };
    else if (event.button === 2 || this.tool === "window") this.drag = { kind: "window" };
    else if (this.tool === "points") this.takePoint(place, event.altKey);
    else if (this.tool === "outline") this.drag = { kind: "outline", moved: false };
    else if (this.tool === "box") this.drag = { kind: "box", from: place };
    else {
      this.drag = { kind: "stroke", value: (this.tool === "eraser") !== event.shiftKey ? 0 : 1, before: lesion.current.slice(), last: place };
      this.paint(place);
    }
    if (this.drag) Object.assign(this.drag, { x: event.clientX, y: event.clientY });
    event.preventDefault();
    this.viewer.canvas.focus({ preventScroll: true });
  }

  move(event) {
    const { drag, viewer } = this, place = viewer.toImage(event);
    this.point(place);
    if (!drag) return;
    const dx = event.clientX - drag.x, dy = event.clientY - drag.y;
    if (drag.kind === "outline" && !drag.moved && Math.hypot(dx, dy) < 4) return;
    Object.assign(drag, { x: event.clientX, y: event.clientY });
    if (drag.kind === "pan") viewer.moveBy(dx, dy);
    else if (drag.kind === "window") viewer.windowBy(dy / 400, dx / 200);
    else if (drag.kind === "stroke") this.paintAlong(event);
    else if (drag.kind === "point") this.dragPoint(place);
    else if (drag.kind === "box") this.spanBox(place);
    else if (drag.kind === "outline") {
      drag.moved = true;
      this.outline = [...(this.outline ?? []), place];
      this.look();
    }
  }

  up(event) {
    const { drag } = this, place = this.viewer.toImage(event);
    this.drag = null;
    if (!drag || !this.present()) return;
    if (drag.kind === "stroke") this.commit(this.present().current.slice(), drag.before);
    else if (drag.kind === "point") this.commit(this.present().current, drag.before);
    else if (drag.kind === "box") this.askFor(place, drag.from);
    else if (drag.kind === "outline" && drag.moved) this.closeOutline();
    else if (drag.kind === "outline") {
      const first = this.outline?.[0];
      const closes = this.outline?.length > 2 && Math.hypot(first[0] - place[0], first[1] - place[1]) * this.viewer.scale < REACH;
      if (closes) return this.closeOutline();
      this.outline = [...(this.outline ?? []), place];
      this.look();
    }
  }

  // Chosen a second time, the tool asks with the box as it is.
  box() {
    if (document.querySelector("[data-tool=box]").disabled) return;
    if (this.tool !== "box") return this.choose("box");
    if (this.present()) this.ask(this.viewer.box);
  }

  spanBox([x, y]) {
    const [x0, y0] = this.drag.from;
    this.viewer.overlay.span = [Math.min(x0, x), Math.min(y0, y), Math.abs(x - x0), Math.abs(y - y0)];
    this.viewer.redraw();
  }

  // A dragged box, or at a click the present one with its middle there.
  askFor([x, y], [x0, y0]) {
    const [, , width, height] = this.viewer.box, { overlay, width: columns, height: rows } = this.viewer;
    const dragged = Math.hypot(x - x0, y - y0) * this.viewer.scale > REACH;
    const [left, top, w, h] = dragged ? overlay.span : [x - width / 2, y - height / 2, width, height];
    overlay.span = null;
    const xmin = Math.max(0, Math.round(left)), ymin = Math.max(0, Math.round(top));
    this.ask([xmin, ymin, Math.min(columns, Math.round(left + w)) - xmin, Math.min(rows, Math.round(top + h)) - ymin]);
  }

  // Through the places between two frames, where the browser tells them.
  paintAlong(event) {
    const between = event.getCoalescedEvents?.() ?? [];
    for (const each of between.length ? between : [event]) this.paint(this.viewer.toImage(each));
  }

  paint(place) {
    const lesion = this.present(), [x0, y0] = this.drag.last, [x, y] = place;
    stroke(lesion.current, lesion.width, lesion.height, x0, y0, x, y, this.radius, this.drag.value);
    this.drag.last = place;
    this.viewer.touched(lesion.current);
    this.shown();
  }

  takePoint(place, removes) {
    const reach = REACH / this.viewer.scale, before = this.present().current;
    let best = reach, found = null;
    this.rings.forEach((ring, r) => ring.forEach(([x, y], i) => {
      const off = Math.hypot(x - place[0], y - place[1]);
      if (off <= best) { best = off; found = [r, i]; }
    }));
    if (found && removes) { this.selected = found; return this.removePoint(); }
    if (!found) {
      // Between two points: a new one.
      this.rings.forEach((ring, r) => ring.forEach((point, i) => {
        const off = fromSegment(place, point, ring[(i + 1) % ring.length]);
        if (off <= best) { best = off; found = [r, i + 1]; }
      }));
      if (!found) { this.selected = null; this.drag = { kind: "pan" }; return this.look(); }
      this.rings[found[0]].splice(found[1], 0, place);
    }
    this.selected = found;
    this.drag = { kind: "point", before };
    this.look();
  }

  dragPoint(place) {
    const [ring, i] = this.selected;
    this.rings[ring][i] = place;
    this.refill();
  }

  refill() {
    const lesion = this.present();
    lesion.current = fill(this.rings, lesion.width, lesion.height);
    this.look();
    this.shown();
  }

  // By key: move the selected point, or say that there is none.
  nudge(dx, dy) {
    if (!this.selected) return false;
    const before = this.present().current, [ring, i] = this.selected, [x, y] = this.rings[ring][i];
    this.dragPoint([x + dx, y + dy]);
    this.commit(this.present().current, before);
    return true;
  }

  select(by) {
    if (!this.present()) return;
    if (this.tool !== "points") this.choose("points");
    const all = this.rings.flatMap((ring, r) => ring.map((_, i) => [r, i]));
    if (!all.length) return;
    const at = this.selected ? all.findIndex(([r, i]) => r === this.selected[0] && i === this.selected[1]) : by > 0 ? -1 : 0;
    this.selected = all[(at + by + all.length) % all.length];
    this.look();
  }

  insertPoint() {
    if (!this.selected) return;
    const [r, i] = this.selected, ring = this.rings[r], [ax, ay] = ring[i], [bx, by] = ring[(i + 1) % ring.length];
    ring.splice(i + 1, 0, [(ax + bx) / 2, (ay + by) / 2]);
    this.selected = [r, i + 1];
    this.look();
  }

  removePoint() {
    if (this.outline?.length) { this.outline = this.outline.slice(0, -1); return this.look(); }
    if (!this.selected) return;
    const before = this.present().current, [r, i] = this.selected;
    if (this.rings[r].length > 3) this.rings[r].splice(i, 1); else this.rings.splice(r, 1);
    this.selected = null;
    this.refill();
    this.commit(this.present().current, before);
  }

  // A new outline takes the contour's place.
  closeOutline() {
    const lesion = this.present(), ring = this.outline;
    this.outline = null;
    if (lesion && ring?.length > 2) this.commit(fill([ring], lesion.width, lesion.height));
    this.look();
    return Boolean(ring?.length > 2);
  }

  cancel() {
    if (this.drag?.before) { this.present().current = this.drag.before; this.shown(); }
    this.reset();
  }
}
