// Questions to the server.

import { unpack } from "./packet.js";

/** Why the server did not do what was asked, in words for people. */
export class Refusal extends Error {}

async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Refusal("The server does not answer. Is it still running?");
  }
  if (answer.ok) return answer;
  if (answer.status === 401) {
    throw new Refusal("The token is not valid any more: open the address that “digitlens serve” printed.");
  }
  const text = await answer.text();
  let words = text;
  try {
    words = JSON.parse(text).error;
  } catch {
    // A refusal by the server's guard is plain text.
  }
  throw new Refusal(`${words.trim()} (${answer.status})`);
}

/** Ask for JSON. */
export async function askJson(path) {
  return (await ask(path)).json();
}

/** Ask for a packet; with a body, send it. */
export async function askPacket(path, body) {
  const answer = await ask(path, body === undefined ? {} : { method: "POST", body });
  return unpack(await answer.arrayBuffer());
}
