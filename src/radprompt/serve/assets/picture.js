// The image with its box and contour, in pixels of the image.

const NS = "http://www.w3.org/2000/svg";

export function draw(name, attributes = {}) {
  const element = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

export class Picture {
  constructor(view, changed, chosen) {
    Object.assign(this, { view, changed, chosen, facts: null, box: null, drawing: null, near: false });
    view.addEventListener("pointerdown", (event) => this.begin(event));
    view.addEventListener("pointermove", (event) => this.move(event));
    view.addEventListener("pointerup", (event) => this.end(event));
    view.addEventListener("keydown", (event) => this.key(event));
  }

  show(facts) {
    Object.assign(this, { facts, box: null, drawing: null, near: false });
    const whole = { href: `images/${facts.image}/whole`, width: facts.columns, height: facts.rows, preserveAspectRatio: "none" };
    this.whole = draw("image", whole);
    this.region = draw("image", { preserveAspectRatio: "none", visibility: "hidden" });
    this.frame = draw("rect", { class: "box", visibility: "hidden" });
    this.contour = draw("path", { class: "contour", visibility: "hidden" });
    this.view.replaceChildren(this.whole, this.region, this.contour, this.frame);
    this.view.removeAttribute("hidden"); // SVG elements have no property of that name
    this.look();
  }

  set(box) {
    this.box = box;
    const shown = box && box.every(Number.isFinite);
    this.frame.setAttribute("visibility", shown ? "visible" : "hidden");
    if (!shown) return;
    const [xmin, ymin, xmax, ymax] = box;
    for (const [key, value] of Object.entries({ x: xmin, y: ymin, width: Math.max(0, xmax - xmin), height: Math.max(0, ymax - ymin) })) {
      this.frame.setAttribute(key, value);
    }
  }

  // The contour that was drawn, and the region around it at full resolution.
  outline(drawing, source) {
    this.drawing = drawing;
    this.contour.setAttribute("visibility", drawing ? "visible" : "hidden");
    if (drawing) {
      const [top, left, bottom, right] = drawing.region, across = (right - left) / drawing.side, down = (bottom - top) / drawing.side;
      this.contour.setAttribute("d", drawing.outline);
      this.contour.setAttribute("transform", `translate(${left} ${top}) scale(${across} ${down})`);
      this.contour.classList.toggle("ellipse", source === "ellipse");
      const place = { x: left, y: top, width: right - left, height: bottom - top };
      for (const [key, value] of Object.entries(place)) this.region.setAttribute(key, value);
      this.region.setAttribute("href", `images/${this.facts.image}/region/${drawing.region.join("/")}`);
    }
    this.look();
  }

  look(near = this.near) {
    this.near = near && Boolean(this.drawing);
    const { rows, columns } = this.facts;
    const [top, left, bottom, right] = this.near ? this.drawing.region : [0, 0, rows, columns];
    this.view.setAttribute("viewBox", `${left} ${top} ${right - left} ${bottom - top}`);
    this.region.setAttribute("visibility", this.near ? "visible" : "hidden");
    this.whole.setAttribute("visibility", this.near ? "hidden" : "visible");
  }

  at(event) {
    const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.view.getScreenCTM().inverse());
    return [Math.min(Math.max(x, 0), this.facts.columns), Math.min(Math.max(y, 0), this.facts.rows)];
  }

  begin(event) {
    if (event.button !== 0) return;
    this.view.setPointerCapture(event.pointerId);
    this.from = this.at(event);
    this.view.focus({ preventScroll: true });
  }

  move(event) {
    if (!this.from) return;
    const [x, y] = this.at(event), [a, b] = this.from;
    this.set([Math.min(a, x), Math.min(b, y), Math.max(a, x), Math.max(b, y)].map(Math.round));
    this.changed(this.box);
  }

  end(event) {
    if (!this.from) return;
    const [x, y] = this.at(event), [a, b] = this.from;
    this.from = null;
    if (Math.abs(x - a) > 3 && Math.abs(y - b) > 3) this.chosen();
  }

  key(event) {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }, step = steps[event.key];
    if (event.key === "Enter") return this.chosen();
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const { rows, columns } = this.facts, unit = Math.max(1, Math.round(Math.max(rows, columns) / 200));
    const [x, y] = step.map((each) => each * unit);
    let [xmin, ymin, xmax, ymax] = this.box ?? [columns * 0.4, rows * 0.4, columns * 0.6, rows * 0.6].map(Math.round);
    if (!event.shiftKey) { xmin += x; ymin += y; }
    xmax += x; ymax += y;
    if (xmin < 0 || ymin < 0 || xmax > columns || ymax > rows || xmax - xmin < 2 || ymax - ymin < 2) return;
    this.set([xmin, ymin, xmax, ymax]);
    this.changed(this.box);
  }
}
