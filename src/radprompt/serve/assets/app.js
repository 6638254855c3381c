// The page: an image and a box, or values, to an answer; and what changes with other values.

import * as server from "./server.js";
import { probability } from "./drawings.js";
import { probable } from "./numbers.js";
import { Picture } from "./picture.js";
import { Table } from "./table.js";

const byId = (id) => document.getElementById(id);
const PAUSE = 150; // milliseconds after the last change until the server is asked

let model, facts = null, base = null, first = null, answer = null, built = "";
let values = {}, timer = 0, asking = false, again = false, ticket = 0;

const picture = new Picture(byId("view"), shownBox, () => predict());
const table = new Table(byId("features"), { changed, askShares: () => follow("model") });

function alarm(error) {
  byId("alert").hidden = !error;
  byId("alert").textContent = error?.message ?? "";
}

function working(words) {
  byId("working").hidden = !words;
  byId("working").textContent = words ?? "";
}

function shownBox(box) { byId("box").value = box.join(", "); }

function typedBox() {
  const parts = byId("box").value.trim().replace(/^[([]|[)\]]$/g, "").split(/[\s,;]+/).map(Number);
  return parts.length === 4 && parts.every(Number.isFinite) ? parts : null;
}

// A new image: what was said of the one before goes.
async function handIn(file) {
  if (!file || model?.kind !== "images") return;
  const own = ++ticket;
  alarm();
  clear();
  byId("drop").hidden = false;
  byId("view").setAttribute("hidden", "");
  working(`Reading ${file.name}`);
  try {
    const found = await server.handIn(file);
    if (own !== ticket) return;
    facts = found;
    picture.show(facts);
    byId("drop").hidden = true;
    for (const id of ["box", "predict", "other"]) byId(id).disabled = false;
    byId("box").value = "";
    byId("spacing").disabled = facts.spacing_mm !== null;
    byId("spacing").value = facts.spacing_mm === null ? "" : String(Number(facts.spacing_mm.toPrecision(4)));
    const size = facts.spacing_mm === null ? "pixel size unknown" : `pixel size by ${facts.spacing_source}`;
    byId("facts").textContent = `${facts.name}: ${facts.columns} × ${facts.rows} px, ${size}${facts.presentation ? `, ${facts.presentation}` : ""}`;
    byId("before").textContent = "Draw a box around the mass: drag on the image, or paste its four numbers.";
    picture.view.focus({ preventScroll: true });
  } catch (error) {
    if (own === ticket) alarm(error);
  } finally {
    if (own === ticket) working();
  }
}

function clear() {
  facts = base = first = answer = null;
  values = {};
  for (const id of ["box", "predict", "around", "spacing"]) byId(id).disabled = true;
  byId("result").hidden = true;
  byId("before").hidden = false;
  byId("facts").textContent = "";
  byId("before").textContent = "Drop an image to begin.";
}

function spacing() {
  if (!facts || facts.spacing_mm !== null || !byId("spacing").value.trim()) return null;
  return Number(byId("spacing").value.replace(",", "."));
}

async function predict() {
  if (!facts) return;
  const box = typedBox(), own = ++ticket;
  if (!box) return alarm(new Error("The box needs four numbers: xmin, ymin, xmax, ymax, such as 120, 80, 190, 150."));
  if (Number.isNaN(spacing())) return alarm(new Error("The pixel size is not a number."));
  alarm();
  values = {};
  working("Drawing the contour and measuring");
  byId("predict").disabled = true;
  const asked = { image: facts.image, box, spacing_mm: spacing() };
  try {
    const found = await server.predict({ ...asked, shares: "none", drawing: true });
    if (own !== ticket) return;
    base = asked;
    first = found;
    picture.set(box);
    picture.outline(found.drawing, found.contour.source);
    picture.look(true);
    byId("around").disabled = false;
    byId("around").setAttribute("aria-pressed", "true");
    show(found);
    working();
    follow("model");
  } catch (error) {
    if (own === ticket) alarm(error);
  } finally {
    if (own === ticket) { working(); byId("predict").disabled = false; }
  }
}

function question() {
  return { ...base, values, ...(model.sites.length ? { site: byId("site").value } : {}) };
}

// Other values: one question at a time, the newest once the one before is answered.
function changed(name, value) {
  values = { ...values, [name]: value };
  clearTimeout(timer);
  timer = setTimeout(() => follow("none"), PAUSE);
}

async function follow(shares) {
  if (asking) { again = shares; return; }
  asking = true;
  const own = ticket, asked = values;
  document.body.dataset.asking = "yes";
  if (shares === "model") Object.assign(table.button, { textContent: "Computing", disabled: true });
  try {
    const found = await server.predict({ ...question(), shares });
    if (own === ticket && (shares === "none" || asked === values)) { show(found); alarm(); }
  } catch (error) {
    if (own === ticket) alarm(error);
  } finally {
    asking = false;
    delete document.body.dataset.asking;
    if (table.button) Object.assign(table.button, { textContent: "Compute", disabled: false });
    const next = again;
    again = false;
    if (next) follow(next);
  }
}

function show(found) {
  answer = found;
  byId("before").hidden = true;
  byId("result").hidden = false;
  const keys = found.features.map((feature) => feature.feature).join("\n"); // a site may have features of its own
  if (built !== keys) { table.build(model, found.features); built = keys; }
  const moved = model.kind === "images" ? values : {};
  table.update(found, moved);
  byId("reset").hidden = Object.keys(moved).length === 0;
  byId("answers").replaceChildren(...cards(found));
  byId("notes").hidden = found.notes.length === 0;
  byId("notes").replaceChildren(...found.notes.map((note) => Object.assign(document.createElement("li"), { textContent: note })));
  byId("features-title").textContent = `${found.features.length} features: move a value to see what changes`;
  byId("sentence").hidden = found.prompt === null;
  byId("prompt").textContent = found.prompt ?? "";
  byId("legend").textContent = "Shares are in the logit, a log odds: positive ones (orange) speak for "
    + `${model.outcome}, negative ones (blue) against. They explain the model, not the disease.`;
  byId("page").hidden = model.kind !== "images";
}

function cards(found) {
  const named = found.named_model, before = first && Object.keys(values).length ? first : null;
  const interval = `90 % interval ${probable(named.interval_90[0])} to ${probable(named.interval_90[1])}`;
  const own = card("Named model: exact values", named.probability, before?.named_model.probability, interval, named.interval_90, model.kind === "values" ? found : null);
  if (model.kind === "values") return [own];
  return [card("Language model: the sentence", found.probability, before?.probability, "This model gives no interval", null, found), own];
}

function card(title, value, was, words, interval, called) {
  const place = Object.assign(document.createElement("div"), { className: "answer" });
  const add = (tag, text, kind = "") => place.appendChild(Object.assign(document.createElement(tag), { textContent: text, className: kind }));
  add("h2", title);
  add("b", probable(value));
  add("span", ` probability of ${model.outcome}`);
  if (was !== undefined) add("span", `, measured: ${probable(was)}`, "was");
  add("p", called?.call ? `Called ${called.call} at the threshold ${called.threshold}. ${words}.` : `${words}.`);
  place.append(probability(value, interval, called ? called.threshold : null));
  const ends = add("div", "", "ends");
  const edge = (text) => ends.appendChild(Object.assign(document.createElement("span"), { textContent: text }));
  edge(`0, ${model.classes[0]}`);
  if (called && called.threshold !== null) edge("dashed: threshold");
  edge(`1, ${model.classes[1]}`);
  return place;
}

function save(blob, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

function saveJson() {
  const { drawing, ...rest } = answer;
  save(new Blob([`${JSON.stringify(rest, null, 2)}\n`], { type: "application/json" }), `${answer.id}.json`);
}

async function savePage() {
  byId("page").disabled = true;
  working("Making the page");
  try {
    save(await server.page(question()), `${answer.id}.html`);
  } catch (error) {
    alarm(error);
  } finally {
    working();
    byId("page").disabled = false;
  }
}

byId("file").addEventListener("change", (event) => { handIn(event.target.files[0]); event.target.value = ""; });
byId("other").addEventListener("click", () => byId("file").click());
byId("asking").addEventListener("submit", (event) => { event.preventDefault(); predict(); });
byId("box").addEventListener("input", () => picture.set(typedBox()));
byId("around").addEventListener("click", () => {
  picture.look(!picture.near);
  byId("around").setAttribute("aria-pressed", String(picture.near));
});
byId("reset").addEventListener("click", () => { values = {}; document.activeElement.blur(); ticket++; show(first); follow("model"); });
byId("json").addEventListener("click", saveJson);
byId("page").addEventListener("click", savePage);
byId("site").addEventListener("change", () => follow("none"));
addEventListener("dragover", (event) => { event.preventDefault(); document.body.dataset.over = "yes"; });
addEventListener("dragleave", (event) => { if (!event.relatedTarget) delete document.body.dataset.over; });
addEventListener("drop", (event) => { event.preventDefault(); delete document.body.dataset.over; handIn(event.dataTransfer.files[0]); });

try {
  model = await server.model();
  document.body.dataset.kind = model.kind;
  byId("title").textContent = model.title;
  byId("tested").textContent = model.tested;
  byId("synthetic").hidden = !model.synthetic_training_images;
  if (model.sites.length) {
    byId("site-label").hidden = false;
    byId("site").replaceChildren(...model.sites.map((site) => new Option(site, site)));
  }
  if (model.kind === "images") clear(); else {
    base = {};
    values = Object.fromEntries(model.inputs.map((input) => [input.name, null]));
    follow("none");
  }
} catch (error) {
  byId("before").textContent = "";
  alarm(error);
}
