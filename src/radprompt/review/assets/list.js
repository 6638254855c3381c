// The worklist: filters, progress, and which lesion comes next.

const byId = (id) => document.getElementById(id);

const tests = {
  all: () => true,
  open: (entry) => !entry.review || entry.changed,
  doubtful: (entry) => entry.doubts.length > 0,
  draft: (entry) => entry.draft,
  changed: (entry) => entry.changed,
};
const test = (entry, filter) =>
  tests[filter]?.(entry) ?? (entry.review?.decision === filter || entry.doubts.some((doubt) => doubt.kind === filter));

export const standing = (entry) =>
  entry.changed ? "changed" : entry.draft ? "unfinished" : entry.review?.decision ?? "";

export class List {
  constructor(content, open) {
    this.entries = content.lesions;
    this.known = new Map(this.entries.map((entry) => [entry.id, entry]));
    this.open = open;
    this.items = new Map();
    for (const [kind, words] of Object.entries(content.filters)) byId("doubt-filters").append(new Option(words, kind));
    for (const id of ["filter", "find"]) byId(id).addEventListener("input", () => this.render());
    this.render();
  }

  render() {
    const filter = byId("filter").value, words = byId("find").value.trim().toLowerCase().split(/\s+/);
    this.shown = this.entries.filter((entry) => {
      const text = `${entry.id} ${entry.name}`.toLowerCase();
      return test(entry, filter) && words.every((word) => text.includes(word));
    });
    this.items.clear();
    byId("lesions").replaceChildren(...this.shown.map((entry) => this.item(entry)));
    this.mark(this.current);
    this.progress();
  }

  item(entry) {
    const item = document.createElement("li"), button = document.createElement("button");
    button.addEventListener("click", () => this.open(entry.id));
    button.title = entry.id;
    item.append(button);
    this.items.set(entry.id, button);
    this.fill(entry, button);
    return item;
  }

  fill(entry, button) {
    const title = document.createElement("span"), mark = document.createElement("span");
    title.textContent = entry.name;
    mark.textContent = standing(entry);
    mark.className = `mark ${standing(entry)}`;
    button.replaceChildren(title, mark);
    if (entry.doubts.length) {
      const doubts = document.createElement("small");
      doubts.textContent = entry.doubts.map((doubt) => doubt.words).join("; ");
      button.append(doubts);
    }
  }

  // Take over what the server says of a lesion; it stays in sight until the filter is chosen anew.
  update(id, standing) {
    const entry = this.known.get(id);
    Object.assign(entry, { review: standing.review, draft: standing.draft, changed: standing.changed });
    if (this.items.has(id)) this.fill(entry, this.items.get(id));
    this.progress();
  }

  progress() {
    const done = this.entries.filter((entry) => entry.review && !entry.changed).length, { length } = this.entries;
    const counts = ["accepted", "corrected", "unusable"].map((decision) =>
      `${this.entries.filter((entry) => entry.review?.decision === decision).length} ${decision}`);
    byId("progress").max = Math.max(length, 1);
    byId("progress").value = done;
    byId("progress-words").textContent = `${done} of ${length} decided`;
    byId("progress-words").title = counts.join(", ");
    byId("count").textContent = `${this.shown.length} of ${length} shown; ${counts.join(", ")}`;
  }

  mark(id) {
    this.items.get(this.current)?.removeAttribute("aria-current");
    this.current = id;
    const button = this.items.get(id);
    button?.setAttribute("aria-current", "true");
    button?.scrollIntoView({ block: "nearest" });
  }

  focus() {
    (this.items.get(this.current) ?? this.items.values().next().value)?.focus();
  }

  // The lesion so many places further among those shown; with `undecided`, the next one that is not decided.
  beside(step, undecided = false) {
    const at = this.shown.findIndex((entry) => entry.id === this.current);
    if (!undecided) return this.shown[at + step]?.id;
    const rest = [...this.shown.slice(at + 1), ...this.shown.slice(0, Math.max(at, 0))];
    return rest.find((entry) => tests.open(entry))?.id;
  }
}
