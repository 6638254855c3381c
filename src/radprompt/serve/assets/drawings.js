// Small pictures beside numbers: a probability with its interval, a place in a range, a share with its interval.

import { draw } from "./picture.js";

const frame = (height) => draw("svg", { viewBox: `0 0 100 ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" });
const line = (kind, x, from, to) => draw("line", { class: kind, x1: x, x2: x, y1: from, y2: to });
const block = (kind, from, to, y, height) =>
  draw("rect", { class: kind, x: Math.min(from, to), width: Math.abs(to - from), y, height });

export function probability(value, interval, threshold) {
  const svg = frame(20);
  svg.append(block("track", 0, 100, 5, 10));
  if (interval) svg.append(block("reach", 100 * interval[0], 100 * interval[1], 5, 10));
  if (threshold !== null) svg.append(line("cut", 100 * threshold, 0, 20));
  svg.append(line("here", 100 * value, 2, 18));
  return svg;
}

// From a quarter of the span below the least to one above the greatest training value; what lies farther out is at the edge.
export function bounds(range) {
  const span = range.max - range.min || Math.abs(range.max) || 1;
  return [range.min - span * 0.25, range.max + span * 0.25];
}

export function place(value, range) {
  const [low, high] = bounds(range), at = (x) => (100 * (x - low)) / (high - low), svg = frame(12);
  svg.append(block("track", at(range.min), at(range.max), 3, 6));
  if (range.p1 !== null) svg.append(block("reach", at(range.p1), at(range.p99), 3, 6));
  if (value !== null) svg.append(line("here", Math.min(Math.max(at(value), 1), 99), 0, 12));
  return svg;
}

export function share(value, reach, most) {
  const svg = frame(14), at = (x) => 50 + (47 * x) / (most || 1);
  svg.append(block(value > 0 ? "up" : "down", 50, at(value), 3, 8), line("middle", 50, 0, 14));
  if (reach) {
    svg.append(draw("line", { class: "whisker", x1: at(value - reach), x2: at(value + reach), y1: 7, y2: 7 }));
    svg.append(line("whisker", at(value - reach), 4, 10), line("whisker", at(value + reach), 4, 10));
  }
  return svg;
}
