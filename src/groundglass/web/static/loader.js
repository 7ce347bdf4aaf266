// @ts-check
/** Loads and decodes the images of the coming trials, so that the next one is there before it is asked for. */
import { token } from "./api.js";
import { Decoder } from "./decoder.js";

/** @typedef {import("./types.js").Trial} Trial */
/** @typedef {import("./types.js").TrialImage} TrialImage */
/** @typedef {import("./types.js").Pixels} Pixels */
/** @typedef {import("./pixels.js").Size} Size */

const DECODED = 3;

/** @type {Set<string>} addresses of images that failed */
const failed = new Set();

/** An image that the server refuses or that cannot be decoded. */
export class NoImage extends Error {}

export class Loader {
  /**
   * @param {(width: number, height: number, frame: Size) => Size | null} fitSize the size on screen of a fitted image,
   *   if it is smaller than the image
   * @param {() => void} decoded after each trial whose images are decoded
   */
  constructor(fitSize, decoded) {
    this.fitSize = fitSize;
    this.decoded = decoded;
    this.decoder = new Decoder();
    /** @type {Map<string, Promise<Blob>>} */ this.blobs = new Map();
    /** @type {Map<string, Promise<Pixels[]>>} */ this.trials = new Map();
    /** @type {Map<string, Pixels[]>} */ this.ready = new Map();
  }

  /**
   * The pixels of a trial if they are decoded.
   * @param {Trial} trial @returns {Pixels[] | null}
   */
  now(trial) { return this.ready.get(trial.trial) ?? null; }

  /** @param {Trial} trial @returns {Promise<Pixels[]>} fails with NoImage, or with TypeError without a connection */
  load(trial) {
    let found = this.trials.get(trial.trial);
    if (!found) {
      found = this.decode(trial);
      this.trials.set(trial.trial, found);
      found.then((pixels) => {
        if (this.trials.get(trial.trial) !== found) return close(pixels);
        this.ready.set(trial.trial, pixels);
        return this.decoded();
      }, () => {
        this.trials.delete(trial.trial);
        for (const image of trial.images) this.blobs.delete(image.url);
      });
    }
    return found;
  }

  /**
   * Decodes the first of these trials, fetches the rest, and forgets all others.
   * @param {Trial[]} trials @param {Trial | null} before the last one answered, for undo
   */
  async keep(trials, before) {
    const wanted = trials.slice(0, DECODED);
    const names = new Set([...wanted, ...(before ? [before] : [])].map((trial) => trial.trial));
    for (const [name, pixels] of this.ready) {
      if (!names.has(name)) { close(pixels); this.ready.delete(name); }
    }
    for (const name of this.trials.keys()) if (!names.has(name)) this.trials.delete(name);
    const urls = new Set([...trials, ...(before ? [before] : [])].flatMap((trial) => trial.images.map((image) => image.url)));
    for (const url of this.blobs.keys()) if (!urls.has(url)) this.blobs.delete(url);
    // One trial after the other, since the next one is needed first; while it is decoded, its successor arrives.
    const fetchOf = (/** @type {Trial | undefined} */ trial) =>
      Promise.all((trial?.images ?? []).map((image) => this.bytes(image.url)));
    try {
      for (const [place, trial] of trials.entries()) {
        await fetchOf(trial);
        const coming = fetchOf(trials[place + 1]);
        coming.catch(() => { /* The next round says it. */ });
        if (place < DECODED) await this.load(trial);
      }
    } catch {
      // The page asks again when it shows that trial, and says then why it cannot.
    }
  }

  /**
   * Makes the fitted copies again after the window changed its size.
   * @param {Trial[]} trials
   */
  async refit(trials) {
    for (const trial of trials.slice(0, DECODED)) {
      const pixels = this.ready.get(trial.trial);
      if (pixels) await Promise.all(pixels.map((one, place) => this.fit(one, trial, trial.images[place].url)));
    }
  }

  /** @param {string} url @returns {Promise<Blob>} */
  bytes(url) {
    let found = this.blobs.get(url);
    if (!found) {
      found = fetched(url);
      this.blobs.set(url, found);
      found.catch(() => this.blobs.delete(url));
    }
    return found;
  }

  /** @param {Trial} trial @returns {Promise<Pixels[]>} */
  async decode(trial) {
    return Promise.all(trial.images.map(async (image) => {
      const blob = await this.bytes(image.url), size = this.fitSize(image.width, image.height, frameOf(trial.images));
      const found = await this.decoder.decode(blob, size).catch((error) => { throw new NoImage(error.message); });
      const { bitmap, fitted } = found;
      /** @type {Pixels} */
      const pixels = { side: image.side, bitmap, fitted, width: bitmap.width, height: bitmap.height };
      await this.fit(pixels, trial, image.url);  // if the window changed meanwhile
      return pixels;
    }));
  }

  /**
   * A fitted copy is made once, off the main thread, so that a flip only has to copy pixels.
   * @param {Pixels} pixels @param {Trial} trial @param {string} url
   */
  async fit(pixels, trial, url) {
    const size = this.fitSize(pixels.width, pixels.height, frameOf(trial.images));
    if (pixels.fitted?.width === size?.width && pixels.fitted?.height === size?.height) return;
    const old = pixels.fitted;
    pixels.fitted = size && await createImageBitmap(await this.bytes(url), {
      resizeWidth: size.width, resizeHeight: size.height, resizeQuality: "medium",
    });
    old?.close();
  }
}

/**
 * The size of the largest image of a trial: all images of it are shown in its place.
 * @param {{width: number, height: number}[]} images @returns {{width: number, height: number}}
 */
export function frameOf(images) {
  return images.reduce((one, other) => (other.width * other.height > one.width * one.height ? other : one));
}

/** @param {string} url @returns {Promise<Blob>} */
async function fetched(url) {
  // A browser may keep a refusal; an image that failed once is asked for again at the server.
  const answer = await fetch(url, {
    cache: failed.has(url) ? "reload" : "default", credentials: "same-origin", headers: token(),
  });
  if (answer.ok) return answer.blob();
  failed.add(url);
  if (answer.status >= 500 || answer.status === 429) throw new TypeError(`HTTP ${answer.status}`);
  throw new NoImage(`The server does not give out this image (HTTP ${answer.status}).`);
}

/** @param {Pixels[]} pixels */
function close(pixels) {
  for (const one of pixels) { one.bitmap.close(); one.fitted?.close(); }
}
