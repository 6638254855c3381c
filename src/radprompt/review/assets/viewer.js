// The image on its canvas: window, zoom, place, and what is drawn over it. Knows nothing of lesions or the server.

import { trace } from "./mask.js";

const BOX = "#f5d547", DRAWN = "#38c6f4", ELLIPSE = "#ff8c42", CURRENT = "#5fd35f", ACTIVE = "#ffffff";

export class Viewer {
  constructor(canvas) {
    this.canvas = canvas;
    this.source = document.createElement("canvas");
    this.scale = 1;
    this.left = this.top = 0; // of the image's corner, in CSS pixels
    this.window = { low: 0, high: 65535 };
    this.paths = new WeakMap();
    new ResizeObserver(() => this.resize()).observe(canvas);
  }

  show(pixels, width, height, box) {
    Object.assign(this, { pixels, width, height, box, fitted: true });
    this.source.width = width;
    this.source.height = height;
    this.paths = new WeakMap();
    this.autoWindow();
    this.fit();
  }

  // Another slice of the volume: window, zoom and place stay.
  turn(pixels) {
    this.pixels = pixels;
    this.setWindow(this.window.low, this.window.high);
  }

  resize() {
    const { clientWidth, clientHeight } = this.canvas, ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(clientWidth * ratio);
    this.canvas.height = Math.round(clientHeight * ratio);
    if (this.pixels && this.fitted) this.fit(); else this.redraw();
  }

  fit() {
    const { clientWidth, clientHeight } = this.canvas;
    this.scale = Math.min(clientWidth / this.width, clientHeight / this.height);
    this.left = (clientWidth - this.width * this.scale) / 2;
    this.top = (clientHeight - this.height * this.scale) / 2;
    this.fitted = true;
    this.redraw();
  }

  zoomBy(factor, x = this.canvas.clientWidth / 2, y = this.canvas.clientHeight / 2) {
    const scale = Math.min(40, Math.max(0.1, this.scale * factor)), change = scale / this.scale;
    this.left = x - (x - this.left) * change;
    this.top = y - (y - this.top) * change;
    this.scale = scale;
    this.fitted = false;
    this.redraw();
  }

  moveBy(dx, dy) {
    this.left += dx;
    this.top += dy;
    this.fitted = false;
    this.redraw();
  }

  // From the 0.5th to the 99.5th percentile of the region, as on the contact sheets.
  autoWindow() {
    const counts = new Uint32Array(65536);
    for (const value of this.pixels) counts[value]++;
    const at = (share) => {
      let seen = 0, value = 0;
      while (value < 65535 && (seen += counts[value]) < share * this.pixels.length) value++;
      return value;
    };
    this.setWindow(at(0.005), at(0.995));
  }

  setWindow(low, high) {
    if (high - low < 64) high = low + 64;
    this.window = { low, high };
    const table = new Uint32Array(65536);
    for (let value = 0; value < 65536; value++) {
      const grey = Math.min(255, Math.max(0, Math.round(((value - low) / (high - low)) * 255)));
      table[value] = 0xff000000 | (grey << 16) | (grey << 8) | grey;
    }
    const image = new ImageData(this.width, this.height), words = new Uint32Array(image.data.buffer);
    for (let i = 0; i < words.length; i++) words[i] = table[this.pixels[i]];
    this.source.getContext("2d").putImageData(image, 0, 0);
    this.redraw();
  }

  // Change level and width by fractions of the width.
  windowBy(level, width) {
    if (!this.pixels) return;
    const { low, high } = this.window, span = high - low, centre = (low + high) / 2 + level * span;
    const half = Math.max(32, (span * Math.exp(width)) / 2);
    this.setWindow(centre - half, centre + half);
  }

  toImage(event) {
    const frame = this.canvas.getBoundingClientRect();
    return [(event.clientX - frame.left - this.left) / this.scale, (event.clientY - frame.top - this.top) / this.scale];
  }

  redraw() {
    if (this.waiting || !this.pixels) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      this.draw();
      this.onDraw?.();
    });
  }

  path(mask) {
    let path = this.paths.get(mask);
    if (!path) {
      path = new Path2D();
      for (const ring of trace(mask, this.width, this.height)) {
        ring.forEach(([x, y], i) => (i ? path.lineTo(x, y) : path.moveTo(x, y)));
        path.closePath();
      }
      this.paths.set(mask, path);
    }
    return path;
  }

  // The mask was changed in place.
  touched(mask) {
    this.paths.delete(mask);
    this.redraw();
  }

  draw() {
    const context = this.canvas.getContext("2d"), ratio = window.devicePixelRatio || 1, { scale } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    context.setTransform(ratio * scale, 0, 0, ratio * scale, ratio * this.left, ratio * this.top);
    context.imageSmoothingEnabled = scale < 8;
    context.imageSmoothingQuality = "high";
    context.drawImage(this.source, 0, 0);
    const line = (path, colour, width, dash = []) => {
      context.setLineDash(dash.map((length) => length / scale));
      context.lineWidth = (width + 2) / scale;
      context.strokeStyle = "rgb(0 0 0 / 55%)";
      context.stroke(path);
      context.lineWidth = width / scale;
      context.strokeStyle = colour;
      context.stroke(path);
    };
    const over = this.overlay;
    if (!over || over.hidden) return;
    const box = new Path2D();
    box.rect(...this.box);
    line(box, BOX, 1);
    if (over.span) {
      const span = new Path2D();
      span.rect(...over.span);
      line(span, BOX, 1.5, [4, 3]);
    }
    const changed = over.drawn !== null && !over.unchanged;
    if (changed && over.showDrawn) line(this.path(over.drawn), over.ellipse ? ELLIPSE : DRAWN, 1.5, [5, 4]);
    line(this.path(over.current), over.unchanged ? (over.ellipse ? ELLIPSE : DRAWN) : CURRENT, 2);
    context.setLineDash([]);
    for (const [number, ring] of (over.rings ?? []).entries()) {
      ring.forEach(([x, y], i) => {
        const active = over.selected?.[0] === number && over.selected[1] === i, size = (active ? 5 : 3.5) / scale;
        context.fillStyle = active ? ACTIVE : CURRENT;
        context.strokeStyle = "#000000";
        context.lineWidth = 1.5 / scale;
        context.beginPath();
        context.rect(x - size, y - size, 2 * size, 2 * size);
        context.fill();
        context.stroke();
      });
    }
    if (over.outline?.length) {
      const path = new Path2D();
      over.outline.forEach(([x, y], i) => (i ? path.lineTo(x, y) : path.moveTo(x, y)));
      if (over.pointer) path.lineTo(...over.pointer);
      line(path, ACTIVE, 1.5);
      const first = new Path2D();
      first.arc(...over.outline[0], 5 / scale, 0, 7);
      line(first, ACTIVE, 1.5);
    }
    if (over.brush && over.pointer) {
      const circle = new Path2D();
      circle.arc(...over.pointer, over.brush, 0, 7);
      line(circle, over.erases ? "#ff9c9c" : ACTIVE, 1.2);
    }
  }
}

// A picture of a whole view with boxes on it, scaled into its frame.
export function drawPicture(frame, bitmap, step, boxes, label) {
  const canvas = document.createElement("canvas"), draw = () => {
    const ratio = window.devicePixelRatio || 1, { clientWidth, clientHeight } = frame;
    canvas.width = clientWidth * ratio;
    canvas.height = clientHeight * ratio;
    const scale = Math.min(canvas.width / bitmap.width, canvas.height / bitmap.height), context = canvas.getContext("2d");
    context.setTransform(scale, 0, 0, scale, (canvas.width - bitmap.width * scale) / 2, (canvas.height - bitmap.height * scale) / 2);
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, 0, 0);
    context.strokeStyle = BOX;
    context.lineWidth = (1.5 * ratio) / scale;
    for (const [xmin, ymin, xmax, ymax] of boxes) context.strokeRect(xmin / step, ymin / step, (xmax - xmin) / step, (ymax - ymin) / step);
  };
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", label);
  frame.replaceChildren(canvas);
  draw();
  frame.observer?.disconnect();
  frame.observer = new ResizeObserver(draw);
  frame.observer.observe(frame);
}
