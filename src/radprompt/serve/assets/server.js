// What the page asks the server, at its own address alone.

import { asking } from "./ask.js";

const ask = asking("The server does not answer. Start radprompt serve again and open its new address.");

const post = (content, more = {}) =>
  ask("predict", { method: "POST", headers: { "content-type": "application/json", ...more.headers }, body: JSON.stringify(content), signal: more.signal });

export const model = async () => (await ask("model")).json();
export const predict = async (content, signal) => (await post(content, { signal })).json();
export const page = async (content) => (await post(content, { headers: { accept: "text/html" } })).blob();

export async function handIn(file) {
  const form = new FormData();
  form.append("image", file, file.name);
  return (await ask("images", { method: "POST", body: form })).json();
}

export async function picture(path) {
  const answer = await ask(`images/${path}`);
  return answer.blob();
}
