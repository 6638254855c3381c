// What the page asks the server, at its own address alone.

import { asking } from "./ask.js";

const ask = asking("The server does not answer. Start radprompt review again; every finished stroke that was saved is kept.");

const post = async (path, content) =>
  (await ask(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(content) })).json();

const lesion = (id) => `lesions/${encodeURIComponent(id)}`;

export const worklist = async () => (await ask("worklist")).json();
export const details = async (id) => (await ask(lesion(id))).json();
export const saveDraft = (id, content) => post(`${lesion(id)}/draft`, content);
export const decide = (id, content) => post(`${lesion(id)}/decision`, content);
export const prepareSegmenter = () => post("segmenter", {});
export const draw = (id, content) => post(`${lesion(id)}/drawing`, content);
export const withdraw = (id, content) => post(`${lesion(id)}/withdrawal`, content);

// Of a volume the region in one slice, counted in the whole image.
export async function pixels(id, region, slice = null) {
  const answer = await ask(`${lesion(id)}/region/${[...region, ...(slice === null ? [] : [slice])].join("/")}`);
  return new Uint16Array(await answer.arrayBuffer());
}

export async function picture(id, which) {
  const answer = await ask(`${lesion(id)}/${which}`);
  return { bitmap: await createImageBitmap(await answer.blob()), step: Number(answer.headers.get("x-step")) };
}
