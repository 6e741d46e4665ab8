// Numbers as pictures, on canvases.

import { VIRIDIS } from "./viridis.js";

/** Make an element with attributes and children; texts become text nodes. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Paint grey levels, row by row, onto a canvas of that size. */
export function paintGray(canvas, levels, width) {
  const height = levels.length / width;
  canvas.width = width;
  canvas.height = height;
  const image = new ImageData(width, height);
  for (let i = 0; i < levels.length; i++) {
    image.data.fill(levels[i], 4 * i, 4 * i + 3);
    image.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** Height and width of one map of a layer; single units are 1×1. */
export function mapSize(shape) {
  return shape.length === 3 ? [shape[1], shape[2]] : [1, 1];
}

/**
 * Give values as levels 0…255: maps one by one from their least to their greatest, single units
 * from −1 to 1, as `digitlens.maps.gray_tiles` does.
 */
export function levelsOf(values, shape) {
  const [height, width] = mapSize(shape);
  const size = height * width;
  const levels = new Uint8Array(values.length);
  for (let start = 0; start < values.length; start += size) {
    let low = -1;
    let high = 1;
    if (size > 1) {
      const map = values.subarray(start, start + size);
      low = Math.min(...map);
      high = Math.max(...map, low + 1e-6);
    }
    for (let i = start; i < start + size; i++) {
      levels[i] = Math.round(Math.min(Math.max((values[i] - low) / (high - low), 0), 1) * 255);
    }
  }
  return levels;
}

/** Where the maps of a layer stand on a canvas: pixels of the canvas, `scale` for one of a map. */
export class Grid {
  constructor(shape, columns, scale) {
    [this.height, this.width] = mapSize(shape);
    this.count = shape[0];
    this.columns = Math.min(columns, this.count);
    this.scale = scale;
    this.gap = this.width > 1 ? 4 : 2;
    this.stepX = this.width * scale + this.gap;
    this.stepY = this.height * scale + this.gap;
    this.canvasWidth = this.columns * this.stepX - this.gap;
    this.canvasHeight = Math.ceil(this.count / this.columns) * this.stepY - this.gap;
  }

  /** Left and top of a map. */
  corner(map) {
    return [(map % this.columns) * this.stepX, Math.floor(map / this.columns) * this.stepY];
  }

  /** Left, top, width and height of a part of a map. */
  part(map, top, left, height, width) {
    const [x, y] = this.corner(map);
    return [x + left * this.scale, y + top * this.scale, width * this.scale, height * this.scale];
  }

  /** The unit at a place on the canvas, or null. */
  unitAt(x, y) {
    const column = Math.floor(x / this.stepX);
    const map = Math.floor(y / this.stepY) * this.columns + column;
    const left = Math.floor((x - column * this.stepX) / this.scale);
    const top = Math.floor((y % this.stepY) / this.scale);
    if (column < 0 || column >= this.columns || map < 0 || map >= this.count) return null;
    if (left >= this.width || top >= this.height || left < 0 || top < 0) return null;
    return (map * this.height + top) * this.width + left;
  }

  /** Paint levels in colours; around the maps the canvas stays clear. */
  paint(canvas, levels, palette = VIRIDIS) {
    canvas.width = this.canvasWidth;
    canvas.height = this.canvasHeight;
    const context = canvas.getContext("2d");
    const size = this.height * this.width;
    const tile = new OffscreenCanvas(this.width, this.height);
    const image = new ImageData(this.width, this.height);
    context.imageSmoothingEnabled = false;
    for (let map = 0; map < this.count; map++) {
      for (let i = 0; i < size; i++) {
        const level = 3 * levels[map * size + i];
        image.data.set(palette.subarray(level, level + 3), 4 * i);
        image.data[4 * i + 3] = 255;
      }
      tile.getContext("2d").putImageData(image, 0, 0);
      context.drawImage(tile, ...this.corner(map), this.width * this.scale, this.height * this.scale);
    }
  }
}

/** The grid in which a panel shows a tap. */
export function panelGrid(shape) {
  const [, width] = mapSize(shape);
  if (width === 1) return new Grid(shape, shape[0] % 15 ? 14 : 15, 22);
  return new Grid(shape, width > 10 ? 3 : 4, Math.max(Math.floor((width > 10 ? 110 : 80) / width), 1));
}

/** Paint boxes of digits, `[x, y, width, height]` in pixels of the frame, each under its label. */
export function paintBoxes(context, digits, chosen, scale) {
  const { width } = context.canvas;
  const size = Math.max(Math.round(width / 42), 11);
  context.lineWidth = Math.max(size / 6, 2);
  context.font = `600 ${size}px system-ui, sans-serif`;
  context.textBaseline = "bottom";
  digits.forEach((digit, number) => {
    const [x, y, w, h] = digit.box.map((side) => side * scale);
    const color = digit.dropped ? "#b3202e" : number === chosen ? "#1558b0" : digit.sure ? "#1b6e2d" : "#8a5300";
    context.strokeStyle = context.fillStyle = color;
    context.strokeRect(x, y, w, h);
    if (digit.dropped) return;
    const text = `${digit.label}${digit.sure ? "" : "?"} ${Math.round(100 * digit.confidence)}%`;
    const base = Math.max(y, size + 4);
    context.fillRect(x - context.lineWidth / 2, base - size - 4, context.measureText(text).width + 8, size + 4);
    context.fillStyle = "#fff";
    context.fillText(text, x + 3, base - 1);
  });
}

/** The number of the digit in whose box a place of the frame lies, or -1. */
export function digitAt(digits, x, y) {
  return digits.findIndex(
    ({ box: [left, top, width, height] }) => x >= left && x < left + width && y >= top && y < top + height,
  );
}

/** Where a pointer is on a canvas whose style may scale it, with what `object-fit: contain` leaves. */
export function placeOn(canvas, event) {
  const box = canvas.getBoundingClientRect();
  const scale = Math.min(box.width / canvas.width, box.height / canvas.height);
  const left = box.left + (box.width - canvas.width * scale) / 2;
  const top = box.top + (box.height - canvas.height * scale) / 2;
  return [(event.clientX - left) / scale, (event.clientY - top) / scale];
}

/** Let the browser save something under a name with date and time. */
export function download(blob, suffix) {
  const now = new Date(Date.now() - 60000 * new Date().getTimezoneOffset()).toISOString();
  const [day, time] = [now.slice(0, 10), now.slice(11, 19)].map((part) => part.replaceAll(/\D/g, ""));
  const link = element("a", { href: URL.createObjectURL(blob), download: `digitlens-${day}-${time}${suffix}` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
