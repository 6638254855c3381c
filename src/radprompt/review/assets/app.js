// The page: opens lesions, keeps what is drawn, saves every finished stroke, and decides.

import * as server from "./server.js";
import { Lesion } from "./lesion.js";
import { same, unpack } from "./mask.js";
import { Tools } from "./tools.js";
import { List } from "./list.js";
import { Viewer, drawPicture } from "./viewer.js";
import { bindKeys } from "./keys.js";

const byId = (id) => document.getElementById(id);
const IDLE = 30000; // milliseconds without input that still count as time spent

const viewer = new Viewer(byId("view"));
const prepared = new Map(), unsaved = new Set(), NOT_SAVED = "Changes not saved yet";
let list, content, lesion = null, opening = 0, saving = null, retry = 0, lastInput = 0;

export function say(words) { byId("status").textContent = words; }

function alarm(words, button, run) {
  const place = byId("alert");
  place.hidden = !words;
  place.textContent = words ?? "";
  delete place.dataset.saving;
  if (words && button) {
    const action = document.createElement("button");
    action.textContent = button;
    action.addEventListener("click", () => { alarm(); run(); });
    place.append(action);
  }
}

// Time spent: what lies between inputs on a visible page, pauses left out.
function tick() {
  const now = performance.now();
  if (lesion && !document.hidden && now - lastInput < IDLE) lesion.milliseconds += now - lastInput;
  lastInput = now;
}
for (const kind of ["pointerdown", "pointermove", "keydown", "wheel"]) addEventListener(kind, tick, { passive: true, capture: true });

async function prepare(id) {
  const data = await server.details(id), known = prepared.get(id);
  const place = [...data.region, ...(data.slices ? [data.slice] : [])].join();
  if (known?.place === place) return { data, pixels: known.pixels };
  const pixels = await server.pixels(id, data.region, data.slice);
  prepared.delete(id);
  prepared.set(id, { place, pixels });
  for (const old of [...prepared.keys()].slice(0, -3)) prepared.delete(old);
  return { data, pixels };
}

async function open(id) {
  if (!id) return say("No further lesion in this list.");
  const ticket = ++opening;
  while (saving) await saving;
  // What could not be saved keeps its lesion open.
  if (unsaved.size || ticket !== opening) return;
  list.mark(id);
  alarm();
  let found;
  try {
    found = await prepare(id);
  } catch (error) {
    if (ticket === opening) unreadable(id, error);
    return;
  }
  if (ticket !== opening) return;
  const { data, pixels } = found, [top, left] = data.region, [xmin, ymin, xmax, ymax] = data.box;
  lesion = new Lesion(data, list.known.get(id));
  lesion.planes.set(lesion.at, Promise.resolve(pixels));
  viewer.show(pixels, lesion.width, lesion.height, [xmin - left, ymin - top, xmax - xmin, ymax - ymin]);
  viewer.canvas.setAttribute("aria-label", `Region of the lesion: ${lesion.entry.name}`);
  byId("title").textContent = `${lesion.entry.name} (${data.grid})`;
  for (const part of ["slices", "slice-place"]) byId(part).hidden = lesion.depth === 1;
  byId("slice").max = lesion.depth - 1;
  byId("area-name").textContent = lesion.depth > 1 ? "Volume" : "Area";
  byId("doubts").replaceChildren(...lesion.entry.doubts.map((doubt) => Object.assign(document.createElement("li"), { textContent: doubt.words })));
  tools.reset();
  taken(data);
  shown();
  lastInput = performance.now();
  say(`${lesion.entry.name}. ${lesion.entry.doubts.map((doubt) => doubt.words).join(". ")}`);
  document.body.dataset.lesion = id;
  await pictures(id, data, ticket);
  if (ticket === opening) ahead();
}

// What can be decided of an image that cannot be read is that it is unusable.
async function unreadable(id, error) {
  lesion = null;
  delete viewer.pixels;
  const canvas = byId("view");
  canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
  byId("title").textContent = list.known.get(id).name;
  alarm(error.message, error.status === 0 ? "Try again" : "Next lesion", () => open(error.status === 0 ? id : list.beside(1)));
  const data = await server.details(id).catch(() => null);
  if (data && list.current === id) {
    lesion = { ...data, unseen: true, undone: [], done: [], entry: list.known.get(id) };
    taken(data);
    shown();
  }
}

async function ahead() {
  const next = list.beside(1);
  if (!next || prepared.has(next)) return;
  try {
    await prepare(next);
    for (const which of ["whole", "other"]) await server.picture(next, which);
  } catch { /* said when the lesion is opened */ }
}

async function pictures(id, data, ticket) {
  const views = [["whole", data.whole, `This view, ${data.whole.view}`], ["other", data.other, `Other view, ${data.other?.view ?? "none"}`]];
  for (const [which, view, label] of views) {
    byId(`${which}-words`).textContent = label;
    const frame = byId(which), words = document.createElement("p");
    try {
      if (!view) throw new Error("No other view is known.");
      const { bitmap, step } = await server.picture(id, which);
      if (ticket !== opening) return;
      drawPicture(frame, bitmap, step, view.boxes, `${label}, boxes of masses: ${view.boxes.length}`);
    } catch (error) {
      if (ticket !== opening) return;
      words.textContent = error.message;
      frame.replaceChildren(words);
    }
  }
}

// Take over how the lesion stands on the server.
function taken(answer) {
  lesion.revision = answer.revision;
  lesion.review = answer.review;
  list.update(lesion.id, answer);
  const review = answer.review, by = review?.counts === "no" ? ", beside an earlier reader's decision" : "";
  const words = { accepted: "Accepted", corrected: "Corrected", unusable: `Unusable: ${review?.reason}` }[review?.decision];
  byId("standing").textContent = unsaved.has(lesion) ? NOT_SAVED : answer.changed
    ? "The drawn contour is another one since you accepted it"
    : words ? `${words}${by}${answer.draft ? "; changes not accepted yet" : ""}` : answer.draft ? "Unfinished, saved" : "Not decided";
}

// Show figures and buttons of the present contour.
export function shown() {
  const { current, drawn, measure } = lesion, unseen = Boolean(lesion.unseen);
  for (const [id, off] of Object.entries({
    undo: unseen || !lesion.done.length, redo: unseen || !lesion.undone.length, accept: unseen,
    restore: unseen || drawn === null, withdraw: !lesion.review && !lesion.draft, unusable: false,
  })) byId(id).disabled = off;
  byId("previous").disabled = !list.beside(-1);
  byId("next").disabled = !list.beside(1);
  if (unseen) return;
  const unchanged = drawn !== null && same(current, drawn), { inside, dice } = lesion.measured();
  const size = measure ? ` (${(inside * measure.factor).toFixed(1)} ${measure.unit})` : "";
  byId("area").textContent = `${inside.toLocaleString("en")} ${lesion.depth > 1 ? "voxels" : "px"}${size}`;
  byId("dice").textContent = dice === null ? "–" : dice.toFixed(3);
  byId("slice").value = lesion.at;
  byId("slice-words").textContent = `${lesion.first + lesion.at + 1} (${lesion.at + 1} of ${lesion.depth} shown)`;
  byId("slice").setAttribute("aria-valuetext", `slice ${lesion.first + lesion.at + 1}`);
  byId("beyond").textContent = `${beyond()} px`;
  Object.assign(viewer.overlay, { current, drawn, unchanged, ellipse: lesion.source === "ellipse" });
  viewer.redraw();
}

function beyond() {
  const { current, width, height } = lesion, [x, y, w, h] = viewer.box;
  let most = 0;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      if (current[row * width + column]) most = Math.max(most, x - column, y - row, column + 1 - x - w, row + 1 - y - h);
    }
  }
  return most;
}

viewer.onDraw = () => {
  const { low, high } = viewer.window;
  byId("zoom").textContent = `${Math.round(viewer.scale * 100)} %`;
  const [least, most] = lesion?.levels ?? [0, 100], span = (most - least) / 65535, unit = lesion?.levels ? "" : " %";
  byId("window").textContent = `${((high - low) * span).toFixed(1)}${unit} at ${(((high + low) / 2) * span + least).toFixed(1)}${unit}`;
};

// A stroke has ended: `before` is the contour that it changed.
export function commit(mask, before = lesion.current) {
  const changed = lesion.stroked(mask, before);
  shown();
  if (changed) save();
}

export async function step(from, to) {
  if (!lesion?.[from].length || tools.drag) return;
  if (!(await slice(lesion[from].at(-1).at))) return;
  lesion.turnBack(from, to);
  tools.reset();
  shown();
  save();
}

// Show a slice of a volume, counted from the first one shown; false where another one was asked for meanwhile.
async function slice(at) {
  const of = lesion;
  of.wanted = at;
  if (at === of.at) return true;
  const plane = (near) => {
    if (!of.planes.has(near)) {
      const asked = server.pixels(of.id, of.region, of.first + near);
      asked.catch(() => of.planes.delete(near));
      of.planes.set(near, asked);
    }
    return of.planes.get(near);
  };
  let pixels;
  try {
    pixels = await plane(at);
  } catch (error) {
    if (of === lesion) alarm(error.message, "Close", () => {});
    return false;
  }
  if (of !== lesion || of.wanted !== at || tools.drag) return false;
  const step = at - of.at;
  of.at = at;
  viewer.turn(pixels);
  tools.reset();
  shown();
  const next = at + Math.sign(step);
  if (next >= 0 && next < of.depth) plane(next);
  return true;
}

export function turn(by) {
  if (!present() || tools.drag) return;
  slice(Math.min(lesion.depth - 1, Math.max(0, (lesion.wanted ?? lesion.at) + by)));
}

// Take the contour of a slice beside this one.
export function copy(by) {
  const beside = present()?.stack[lesion.at + by];
  if (!beside || tools.drag) return;
  commit(beside.slice());
  tools.reset();
}

// One request at a time; what changed meanwhile is sent after it, once.
function save() {
  clearTimeout(retry);
  if (lesion) {
    unsaved.add(lesion);
    byId("standing").textContent = NOT_SAVED;
  }
  saving ??= send().finally(() => { saving = null; });
}

async function send() {
  for (const of of unsaved) {
    unsaved.delete(of);
    try {
      const answer = await server.saveDraft(of.id, of.sent());
      of.draft = answer.draft;
      of.revision = answer.revision;
      if (of === lesion) { taken({ ...answer, review: of.review }); shown(); }
      if (byId("alert").dataset.saving) alarm();
    } catch (error) {
      return failed(error, of);
    }
  }
}

function failed(error, of) {
  if (error.status === 409) return alarm(error.message, "Show what is saved", () => open(of.id));
  unsaved.add(of);
  alarm(error.message, "Save again", save);
  byId("alert").dataset.saving = "yes";
  retry = setTimeout(save, 3000);
}

addEventListener("beforeunload", (event) => { if (saving || unsaved.size) event.preventDefault(); });

// Send a decision; it carries the contour, and so takes the place of a stroke that could not be saved.
async function concluded(request) {
  if (!lesion) return;
  tick();
  while (saving) await saving;
  clearTimeout(retry);
  const of = lesion, kept = unsaved.delete(of);
  try {
    const answer = await request(of);
    of.draft = false;
    taken(answer);
    alarm();
    return answer;
  } catch (error) {
    if (kept) unsaved.add(of);
    const stale = error.status === 409;
    alarm(error.message, stale ? "Show what is saved" : "Close", () => (stale ? open(of.id) : shown()));
  }
}

export async function accept() {
  if (!lesion || lesion.unseen) return;
  const answer = await concluded((of) => server.decide(of.id, { decision: "contour", ...of.sent() }));
  if (answer) forward(`${answer.review.decision}.`);
}

export function exclude() {
  if (!lesion) return;
  byId("exclude").showModal();
  (document.querySelector("#reasons input:checked") ?? document.querySelector("#reasons input")).focus();
}

async function excluded() {
  const reason = byId("reason").value.trim() || document.querySelector("#reasons input:checked")?.value || "";
  const answer = await concluded(({ id, revision, milliseconds }) =>
    server.decide(id, { decision: "unusable", reason, revision, milliseconds: Math.round(milliseconds) }));
  byId("reason").value = "";
  if (answer) forward("Unusable.");
}

function forward(words) {
  const next = list.beside(0, true);
  if (next) open(next); else { open(lesion.id); say(`${words} Every lesion of this list is decided.`); }
}

export async function takeBack() {
  if (!lesion || byId("withdraw").disabled) return;
  const answer = await concluded(({ id, revision }) => server.withdraw(id, { revision }));
  if (answer) open(lesion.id);
}

export function restore() {
  if (!lesion || lesion.unseen || lesion.drawn === null) return;
  tools.reset();
  commit(lesion.drawn.slice());
}

export const go = (by) => open(list.beside(by));
export const present = () => (lesion?.unseen ? null : lesion);
export const focusList = () => list.focus();

// Ask nnU-Net for the contour in a box of the region; what it draws is a stroke like any other.
async function ask([x, y, width, height]) {
  const of = lesion, [top, left] = of.region;
  say("nnU-Net draws");
  document.body.dataset.asking = "yes";
  try {
    const answer = await server.draw(of.id, { region: of.region, box: [left + x, top + y, left + x + width, top + y + height] });
    if (of !== lesion) return;
    commit(unpack(answer.mask, of.width * of.height));
    tools.reset();
    say(answer.flag || "nnU-Net has drawn the contour");
    if (answer.flag) alarm(`An ellipse: ${answer.flag}`, "Close", () => {});
  } catch (error) {
    if (of === lesion) alarm(error.message, "Close", () => {});
  } finally {
    delete document.body.dataset.asking;
  }
}

const tools = new Tools(viewer, { present, commit, shown, ask, prepare: () => server.prepareSegmenter().catch(() => {}), turn });
bindKeys({ viewer, tools, accept, exclude, takeBack, restore, go, step, turn, copy, focusList });
byId("slice").addEventListener("input", (event) => turn(Number(event.target.value) - (lesion.wanted ?? lesion.at)));

const clicks = {
  accept, unusable: exclude, withdraw: takeBack, restore, previous: () => go(-1), next: () => go(1),
  undo: () => step("done", "undone"), redo: () => step("undone", "done"), "help-open": () => byId("help").showModal(),
  "exclude-cancel": () => byId("exclude").close("cancel"),
};
for (const [id, run] of Object.entries(clicks)) byId(id).addEventListener("click", () => run());
byId("exclude-form").addEventListener("submit", excluded);
byId("reason").addEventListener("input", () => {
  for (const choice of document.querySelectorAll("#reasons input")) choice.checked = false;
});
// After a click the image has the keys again; who tabs through the buttons stays there.
for (const place of ["tools", "decisions"]) {
  byId(place).addEventListener("click", (event) => { if (event.detail > 0 && event.target.closest("button")) viewer.canvas.focus({ preventScroll: true }); });
}

try {
  content = await server.worklist();
  byId("study").textContent = `${content.dataset}, reader ${content.reader}`;
  document.title = `${content.dataset}: radprompt review`;
  byId("reasons").replaceChildren(...content.reasons.map((reason, i) => {
    const label = document.createElement("label"), choice = document.createElement("input");
    Object.assign(choice, { type: "radio", name: "why", value: reason, checked: i === 0 });
    label.append(choice, ` ${reason}`);
    return label;
  }));
  const box = document.querySelector("[data-tool=box]");
  box.disabled = !content.segmenter;
  if (!content.segmenter) box.title = "No segmenter here: for mammograms, dvc pull brings it";
  list = new List(content, (id) => { viewer.canvas.focus({ preventScroll: true }); open(id); });
  const first = list.entries.find((entry) => !entry.review || entry.changed) ?? list.entries[0];
  if (first) await open(first.id); else byId("title").textContent = "No lesion has a contour yet";
} catch (error) {
  alarm(error.message, "Try again", () => location.reload());
}

// For the page's tests: where a point of the whole image is on the screen, and the points that can be dragged.
export function shownAt(x, y) {
  const frame = viewer.canvas.getBoundingClientRect(), [top, left] = lesion.region;
  return [frame.left + viewer.left + (x - left) * viewer.scale, frame.top + viewer.top + (y - top) * viewer.scale];
}
export const handles = () => tools.rings.map((ring) => ring.map(([x, y]) => [x + lesion.region[1], y + lesion.region[0]]));
