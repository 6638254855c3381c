// Numbers as text, with a minus sign that is one.

const MINUS = "\u2212";

export const signed = (value) => `${value > 0 ? "+" : ""}${value.toFixed(2)}`.replace("-", MINUS);
export const probable = (value) => (value < 0.001 ? "under 0.001" : value > 0.999 ? "over 0.999" : value.toFixed(3));
export const significant = (value) => Number(value.toPrecision(4)).toString().replace("-", MINUS);

// What stands in an input; only values that were changed are sent back.
export const short = (value) => (value === null ? "" : String(Number(value.toPrecision(5))));
export const read = (text) => {
  const trimmed = text.trim().replace(MINUS, "-").replace(",", ".");
  return trimmed === "" ? null : Number(trimmed);
};
