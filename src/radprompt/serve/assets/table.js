// The features: values to move, their place in the training range, their shares.

import { bounds, place, share } from "./drawings.js";
import { read, short, signed, significant } from "./numbers.js";

const WIDTH = 1.6448536269514722; // deviations on either side that hold 90 % of a normal distribution
const OUTSIDE = ["below", "above"];

const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

export class Table {
  constructor(table, { changed, askShares }) {
    Object.assign(this, { head: table.tHead, body: table.tBodies[0], changed, askShares, rows: new Map() });
  }

  build(model, features) {
    this.model = model;
    this.rows.clear();
    this.body.replaceChildren();
    const columns = ["Feature", "Value", "Training range (bar) and where the value lies", "Share, named model, 90 % interval"];
    if (model.kind === "images") columns.push("Share, language model");
    this.head.replaceChildren(make("tr", {}, ...columns.map((words) => make("th", { scope: "col", textContent: words }))));
    if (model.kind === "images") {
      this.button = make("button", { textContent: "Compute", hidden: true, title: "Shares of these values: some seconds" });
      this.button.setAttribute("aria-label", "Compute the language model's shares of these values");
      this.button.addEventListener("click", () => this.askShares());
      this.head.rows[0].lastElementChild.append(document.createElement("br"), this.button);
    }
    const seen = new Set();
    for (const feature of features) {
      const name = feature.input ?? feature.feature, input = model.inputs.find((each) => each.name === name);
      this.rows.set(feature.feature, this.row(feature, input, seen.has(name)));
      seen.add(name);
    }
  }

  row(feature, input, again) {
    const tr = make("tr"), label = feature.level ? `${input.label}: ${feature.level}` : feature.name;
    const head = make("th", { scope: "row", textContent: label });
    if (feature.shown_as !== feature.name) head.append(make("small", { textContent: ` printed as ${feature.shown_as}` }));
    const value = make("td", { className: "value" }), lies = make("td", { className: "lies" });
    const picture = make("div"), words = make("small"), row = { tr, input, picture, words };
    if (!again) value.append(...this.controls(row, input, label));
    lies.append(picture);
    if (row.slider) lies.append(row.slider);
    lies.append(words);
    row.named = make("td", { className: "share" });
    tr.append(head, value, lies, row.named);
    if (this.model.kind === "images") {
      row.language = make("td", { className: "share" });
      tr.append(row.language);
    }
    this.body.append(tr);
    return row;
  }

  controls(row, input, label) {
    if (input.kind === "category") {
      const options = ["", ...input.levels].map((level) => make("option", { value: level, textContent: level || "missing" }));
      row.choice = make("select", {}, ...options);
      row.choice.setAttribute("aria-label", `${label}: value`);
      row.choice.addEventListener("change", () => this.changed(input.name, row.choice.value || null));
      return [row.choice];
    }
    row.number = make("input", { type: "text", inputMode: "decimal", autocomplete: "off", spellcheck: false });
    row.number.setAttribute("aria-label", `${label}: value${input.unit ? ` in ${input.unit}` : ""}`);
    row.number.addEventListener("input", () => this.typed(row, read(row.number.value)));
    const [low, high] = bounds(input.range);
    row.slider = make("input", { type: "range", min: low, max: high, step: (high - low) / 200 });
    row.slider.setAttribute("aria-label", `${label}: move the value`);
    row.slider.addEventListener("input", () => {
      const value = Number(Number(row.slider.value).toPrecision(4));
      row.number.value = short(value);
      this.typed(row, value);
    });
    return [row.number, make("small", { textContent: input.unit ? ` ${input.unit}` : "" })];
  }

  typed(row, value) {
    const wrong = value !== null && !Number.isFinite(value);
    row.number.setAttribute("aria-invalid", String(wrong));
    if (wrong || (value === null && this.model.kind === "images")) return;
    this.changed(row.input.name, value);
  }

  update(answer, changed) {
    const { shares } = answer.named_model;
    const reach = (key) => WIDTH * (shares[key]?.sd ?? 0);
    const most = Math.max(...answer.features.map(({ feature: key }) => Math.abs(shares[key]?.share ?? 0) + reach(key)), 1e-9);
    const largest = Math.max(...answer.features.map((each) => Math.abs(each.share ?? 0)), 1e-9);
    for (const feature of answer.features) {
      const row = this.rows.get(feature.feature), own = shares[feature.feature];
      row.tr.classList.toggle("changed", feature.feature in changed);
      this.values(row, feature);
      row.picture.replaceChildren(place(feature.value, feature.training_range));
      row.words.className = OUTSIDE.includes(feature.place) ? "mark" : "";
      row.words.textContent = this.words(feature);
      this.share(row.named, own?.share ?? null, own ? reach(feature.feature) : 0, most);
      if (row.language) this.share(row.language, feature.share, 0, largest);
    }
    if (this.button) this.button.hidden = answer.features[0].share !== null;
  }

  // What is being typed or moved stays as it is.
  values(row, feature) {
    if (row.choice) {
      if (row.choice !== document.activeElement && feature.value === 1) row.choice.value = feature.level;
      return;
    }
    if (!row.number) return;
    if (![row.number, row.slider].includes(document.activeElement)) row.number.value = short(feature.value);
    const [low, high] = bounds(feature.training_range);
    if (row.slider !== document.activeElement) row.slider.value = feature.value ?? (low + high) / 2;
    row.slider.setAttribute("aria-valuetext", feature.value === null ? "no value" : `${significant(feature.value)}, ${feature.remark}`);
  }

  words(feature) {
    const { min, max } = feature.training_range;
    const range = `${significant(min)} to ${significant(max)}`;
    const outside = OUTSIDE.includes(feature.place);
    return outside ? `${feature.remark}, ${range}` : `${range}; ${feature.remark.replace("within the training range", "within")}`;
  }

  share(cell, value, reach, most) {
    if (value === null) return cell.replaceChildren(make("span", { className: "n", textContent: "–" }));
    const words = make("span", { className: "n", textContent: signed(value) });
    if (reach) words.append(make("small", { textContent: ` ${signed(value - reach)} to ${signed(value + reach)}` }));
    cell.replaceChildren(words, share(value, reach, most));
  }
}
