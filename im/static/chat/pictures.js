// Pictures on their way out: no larger than anybody needs, in a form that every client can show.

const MAX_SIDE = 1600;
const KEPT = new Set(["image/jpeg", "image/png", "image/gif"]);
const MAX_KEPT_BYTES = 2 * 1024 * 1024;

// Returns {blob, width, height}.  Rejects what is no picture.
export async function preparePicture(file) {
  const bitmap = await createImageBitmap(file);
  const { width, height } = bitmap;
  const fits = Math.max(width, height) <= MAX_SIDE && file.size <= MAX_KEPT_BYTES;
  if (KEPT.has(file.type) && (fits || file.type === "image/gif")) return { blob: file, width, height };
  const scale = Math.min(1, MAX_SIDE / Math.max(width, height));
  return draw(bitmap, Math.round(width * scale), Math.round(height * scale), [0, 0, width, height]);
}

// A square from the middle, as small as faces are.
export async function prepareAvatar(file, side = 200) {
  const bitmap = await createImageBitmap(file);
  const edge = Math.min(bitmap.width, bitmap.height);
  const cut = [(bitmap.width - edge) / 2, (bitmap.height - edge) / 2, edge, edge];
  return draw(bitmap, side, side, cut);
}

async function draw(bitmap, width, height, cut) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff"; // where JPEG has no transparency
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, ...cut, 0, 0, width, height);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.88));
  return { blob, width, height };
}
