// @ts-check
/** Decodes an image, and makes the copy of it that fits the window: once decoded, both come from the same pixels. */

/** @typedef {import("./pixels.js").Size} Size */

/**
 * @param {Blob} blob @param {Size | null} size of the fitted copy; null makes none
 * @returns {Promise<{bitmap: ImageBitmap, fitted: ImageBitmap | null}>}
 */
export async function decode(blob, size) {
  const bitmap = await createImageBitmap(blob);
  const fitted = size && await createImageBitmap(bitmap, {
    resizeWidth: size.width, resizeHeight: size.height, resizeQuality: "medium",
  });
  return { bitmap, fitted };
}
