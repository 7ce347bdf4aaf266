// @ts-check
/** A thread of its own for `decode`: making a large image smaller takes as long as several frames. */
import { decode } from "./decode.js";

addEventListener("message", async ({ data: { id, blob, size } }) => {
  try {
    const { bitmap, fitted } = await decode(blob, size);
    postMessage({ id, bitmap, fitted }, { transfer: fitted ? [bitmap, fitted] : [bitmap] });
  } catch {
    postMessage({ id, bitmap: null, fitted: null });
  }
});
