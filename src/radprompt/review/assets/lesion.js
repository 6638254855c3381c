// A lesion that is open: its contour slice by slice (one slice where the image is planar), and what can be undone.

import { pack, same, unpack } from "./mask.js";

const STEPS = 100; // that can be undone

export class Lesion {
  constructor({ current, drawn, ...data }, entry) {
    const [top, left, bottom, right] = data.region, [first, last] = data.slices ?? [0, 1];
    Object.assign(this, data, { entry, width: right - left, height: bottom - top, first, depth: last - first });
    this.stack = this.split(current);
    this.original = drawn === null ? null : this.split(drawn);
    this.at = data.slices ? data.slice - first : 0;
    this.planes = new Map(); // pixels by slice
    this.counts = new Map(); // of each slice: pixels inside, drawn, and in both
    this.done = [];
    this.undone = [];
  }

  split(text) {
    const size = this.width * this.height, bits = unpack(text, size * this.depth);
    return Array.from({ length: this.depth }, (_, at) => bits.subarray(at * size, (at + 1) * size));
  }

  // The contour in the slice that is shown; a stroke changes it in place.
  get current() { return this.stack[this.at]; }
  set current(mask) { this.stack[this.at] = mask; }
  get drawn() { return this.original?.[this.at] ?? null; }

  // Pixels inside, and Dice with the drawn contour (null without one), of all slices.
  measured() {
    this.counts.delete(this.at);
    const sum = [0, 0, 0];
    for (let at = 0; at < this.depth; at++) {
      if (!this.counts.has(at)) this.counts.set(at, this.count(at));
      this.counts.get(at).forEach((count, i) => { sum[i] += count; });
    }
    const [inside, drawn, both] = sum;
    return { inside, dice: this.original && inside + drawn ? (2 * both) / (inside + drawn) : null };
  }

  count(at) {
    const mask = this.stack[at], drawn = this.original?.[at];
    let inside = 0, original = 0, both = 0;
    for (let i = 0; i < mask.length; i++) {
      inside += mask[i];
      if (drawn) { original += drawn[i]; both += mask[i] & drawn[i]; }
    }
    return [inside, original, both];
  }

  // Remember what the slice was before a stroke; false where the stroke changed nothing.
  stroked(mask, before) {
    this.current = mask;
    if (same(mask, before)) return false;
    this.done.push({ at: this.at, mask: pack(before) });
    this.done.splice(0, this.done.length - STEPS);
    this.undone = [];
    return true;
  }

  // Undo or redo the newest step, in the slice that it changed.
  turnBack(from, to) {
    const { at, mask } = this[from].pop();
    this[to].push({ at, mask: pack(this.stack[at]) });
    this.stack[at] = unpack(mask, this.width * this.height);
    this.counts.delete(at);
  }

  // The contour as the server takes it.
  sent() {
    let all = this.stack[0];
    if (this.depth > 1) {
      all = new Uint8Array(this.width * this.height * this.depth);
      this.stack.forEach((mask, at) => all.set(mask, at * mask.length));
    }
    const { revision, region, slices, milliseconds } = this;
    return { revision, region, slices, mask: pack(all), milliseconds: Math.round(milliseconds) };
  }
}
