// How a page asks its own server: no cookie, no cache, no address told, and a refusal as words.

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export function asking(silent) {
  return async (path, options = {}) => {
    let answer;
    try {
      answer = await fetch(path, { cache: "no-store", credentials: "omit", referrerPolicy: "no-referrer", ...options });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Refused(0, silent);
    }
    if (answer.ok) return answer;
    const said = await answer.json().catch(() => ({}));
    throw new Refused(answer.status, said.error ?? `The server answered with status ${answer.status}.`);
  };
}
