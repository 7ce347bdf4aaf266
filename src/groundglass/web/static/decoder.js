// @ts-check
/** Decodes images in a worker, or here if the browser has no workers with modules. */
import { decode } from "./decode.js";

/** @typedef {import("./pixels.js").Size} Size */
/** @typedef {{bitmap: ImageBitmap, fitted: ImageBitmap | null}} Decoded */
/** @typedef {{blob: Blob, size: Size | null, resolve: (found: Decoded | Promise<Decoded>) => void, reject: (error: Error) => void}} Asked */

export class Decoder {
  constructor() {
    /** @type {Map<number, Asked>} */ this.asked = new Map();
    this.count = 0;
    /** @type {Worker | null} */ this.worker = null;
    try {
      this.worker = new Worker("/static/decode_worker.js", { type: "module" });
      this.worker.addEventListener("message", ({ data }) => this.answered(data));
      this.worker.addEventListener("error", () => this.goOnHere());
    } catch {
      // Very old browsers: everything is decoded here.
    }
  }

  /**
   * Fails if the image cannot be decoded.
   * @param {Blob} blob @param {Size | null} size @returns {Promise<Decoded>}
   */
  decode(blob, size) {
    const { worker } = this;
    if (!worker) return decode(blob, size);
    return new Promise((resolve, reject) => {
      const id = this.count++;
      this.asked.set(id, { blob, size, resolve, reject });
      worker.postMessage({ id, blob, size });
    });
  }

  /** @param {{id: number, bitmap: ImageBitmap | null, fitted: ImageBitmap | null}} found */
  answered({ id, bitmap, fitted }) {
    const one = this.asked.get(id);
    this.asked.delete(id);
    if (bitmap) one?.resolve({ bitmap, fitted });
    else one?.reject(new Error("The image cannot be decoded."));
  }

  /** The worker could not be started: what it was asked for is decoded here. */
  goOnHere() {
    this.worker = null;
    for (const { blob, size, resolve } of this.asked.values()) resolve(decode(blob, size));
    this.asked.clear();
  }
}
