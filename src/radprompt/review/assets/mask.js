// Masks as Uint8Array of 0 and 1, row by row. A pixel (x, y) covers the square from (x, y) to (x + 1, y + 1), and
// belongs to a polygon when its centre does.

export function unpack(text, count) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const mask = new Uint8Array(count);
  for (let i = 0; i < count; i++) mask[i] = (bytes[i >> 3] >> (7 - (i & 7))) & 1;
  return mask;
}

export function pack(mask) {
  const bytes = new Uint8Array(Math.ceil(mask.length / 8));
  for (let i = 0; i < mask.length; i++) if (mask[i]) bytes[i >> 3] |= 128 >> (i & 7);
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text);
}

export const same = (a, b) => a.length === b.length && a.every((value, i) => value === b[i]);

// Set the pixels whose centre is within radius of the segment from (x0, y0) to (x1, y1).
export function stroke(mask, width, height, x0, y0, x1, y1, radius, value) {
  const dx = x1 - x0, dy = y1 - y0, length = dx * dx + dy * dy;
  const top = Math.max(0, Math.floor(Math.min(y0, y1) - radius)), bottom = Math.min(height - 1, Math.ceil(Math.max(y0, y1) + radius));
  const left = Math.max(0, Math.floor(Math.min(x0, x1) - radius)), right = Math.min(width - 1, Math.ceil(Math.max(x0, x1) + radius));
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const px = x + 0.5 - x0, py = y + 0.5 - y0;
      const t = length ? Math.min(1, Math.max(0, (px * dx + py * dy) / length)) : 0;
      if ((px - t * dx) ** 2 + (py - t * dy) ** 2 <= radius * radius) mask[y * width + x] = value;
    }
  }
}

// Fill closed rings of [x, y] by the even-odd rule.
export function fill(rings, width, height) {
  const mask = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const crossings = [], level = y + 0.5;
    for (const ring of rings) {
      for (let i = 0; i < ring.length; i++) {
        const [ax, ay] = ring[i], [bx, by] = ring[(i + 1) % ring.length];
        if ((ay <= level) !== (by <= level)) crossings.push(ax + ((level - ay) / (by - ay)) * (bx - ax));
      }
    }
    crossings.sort((a, b) => a - b);
    for (let i = 0; i + 1 < crossings.length; i += 2) {
      const from = Math.max(0, Math.ceil(crossings[i] - 0.5)), to = Math.min(width - 1, Math.ceil(crossings[i + 1] - 0.5) - 1);
      if (to >= from) mask.fill(1, y * width + from, y * width + to + 1);
    }
  }
  return mask;
}

// Return the borders of a mask along its pixels' edges, as closed rings of corners, inside on the right hand.
export function trace(mask, width, height) {
  const starts = new Map(), key = (x, y) => y * (width + 1) + x;
  const at = (x, y) => x >= 0 && y >= 0 && x < width && y < height && mask[y * width + x];
  const add = (x, y, direction) => {
    const list = starts.get(key(x, y));
    if (list) list.push(direction); else starts.set(key(x, y), [direction]);
  };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!mask[y * width + x]) continue;
      if (!at(x, y - 1)) add(x, y, 0);
      if (!at(x + 1, y)) add(x + 1, y, 1);
      if (!at(x, y + 1)) add(x + 1, y + 1, 2);
      if (!at(x - 1, y)) add(x, y + 1, 3);
    }
  }
  const steps = [[1, 0], [0, 1], [-1, 0], [0, -1]], rings = [];
  for (const [first, list] of starts) {
    while (list.length) {
      let x = first % (width + 1), y = Math.floor(first / (width + 1)), direction = list.pop();
      const ring = [];
      for (;;) {
        ring.push([x, y]);
        x += steps[direction][0]; y += steps[direction][1];
        const next = starts.get(key(x, y));
        if (!next || !next.length) break;
        // Where two pixels touch by a corner, the turn to the right keeps them apart.
        const right = next.indexOf((direction + 1) % 4);
        direction = next.splice(right < 0 ? 0 : right, 1)[0];
      }
      rings.push(ring);
    }
  }
  return rings;
}

// Return rings with few points to drag: the middles of the borders' edges, thinned to the given distance in pixels.
export function points(mask, width, height, distance) {
  return trace(mask, width, height).map((ring) => {
    const middles = ring.map(([x, y], i) => {
      const [nx, ny] = ring[(i + 1) % ring.length];
      return [(x + nx) / 2, (y + ny) / 2];
    });
    let far = 0;
    middles.forEach((point, i) => { if (gap(point, middles[0]) > gap(middles[far], middles[0])) far = i; });
    return [...thin(middles.slice(0, far + 1), distance).slice(0, -1), ...thin([...middles.slice(far), middles[0]], distance).slice(0, -1)];
  }).filter((ring) => ring.length > 2);
}

const gap = ([ax, ay], [bx, by]) => Math.hypot(ax - bx, ay - by);

// Douglas and Peucker: keep the points without which the line would be off by more than the distance.
function thin(line, distance) {
  const kept = new Uint8Array(line.length), todo = [[0, line.length - 1]];
  kept[0] = kept[line.length - 1] = 1;
  while (todo.length) {
    const [from, to] = todo.pop();
    let worst = 0, index = -1;
    for (let i = from + 1; i < to; i++) {
      const off = fromSegment(line[i], line[from], line[to]);
      if (off > worst) { worst = off; index = i; }
    }
    if (worst > distance) { kept[index] = 1; todo.push([from, index], [index, to]); }
  }
  return line.filter((_, i) => kept[i]);
}

export function fromSegment([x, y], [ax, ay], [bx, by]) {
  const dx = bx - ax, dy = by - ay, length = dx * dx + dy * dy;
  const t = length ? Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / length)) : 0;
  return Math.hypot(x - ax - t * dx, y - ay - t * dy);
}
