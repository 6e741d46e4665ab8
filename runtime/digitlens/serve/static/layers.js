// The layers of the network: where each unit comes from, with which numbers, and in words.

/** Short explanations of the layers, by name, for whoever learns with them. */
export const WORDS = {
  image: "What the network is given: one digit, cut out of its picture and placed as in MNIST. Ink is 1, paper is 0.",
  conv1:
    "Six kernels of 5×5 weights slide over the image. Each looks for one small thing, such as an edge of one slant, and its map says where that thing is. The same 25 weights are used everywhere.",
  pool1:
    "Each map is halved: four neighbours become their average. What was found stays; where exactly it was matters less.",
  conv2:
    "Sixteen kernels look at all six maps at once, 5×5×6 weights each, and find combinations: corners, ends, curves.",
  pool2: "Halved again. A unit here already sees 16×16 pixels of the image.",
  conv3:
    "120 kernels as large as what is left: each sees the whole digit at once, and gives one number. Nothing is left of place.",
  fc1: "84 units, each a weighted sum of all 120. Here the evidence is gathered.",
  logits: "Ten sums, one for each digit: how much speaks for it. They may be any number.",
  probabilities:
    "The softmax turns the ten sums into shares that add up to 1. They are divided by a temperature first, so that of the digits given 0.9 nine in ten are right.",
};

export class Layer {
  constructor({ name, kind, shape, has_tanh: hasTanh, words }, arrays, source) {
    Object.assign(this, { name, kind, shape, hasTanh, words, source });
    this.weight = arrays[`${name}.weight`];
    this.bias = arrays[`${name}.bias`]?.data;
    [this.maps, this.height, this.width] = shape.length === 3 ? shape : [shape[0], 1, 1];
    this.count = this.maps * this.height * this.width;
  }

  /** Map, row and column of a unit. */
  place(unit) {
    const size = this.height * this.width;
    return [Math.floor(unit / size), Math.floor((unit % size) / this.width), unit % this.width];
  }

  unit(map, row, column) {
    return (map * this.height + row) * this.width + column;
  }

  /** What a unit is called. */
  title(unit) {
    const [map, row, column] = this.place(unit);
    if (this.height * this.width > 1) return `${this.name}, map ${map}, row ${row}, column ${column}`;
    if (this.kind === "softmax" || this.name === "logits") return `${this.name} of ${map}`;
    return `${this.name}, unit ${unit}`;
  }

  /** How many weights and biases it has. */
  get parameters() {
    if (this.kind === "softmax") return 0;
    return (this.weight?.data.length ?? 0) + (this.bias?.length ?? 0);
  }

  /** Side and step of the part of the source that one unit sees; null where that is all of it. */
  get window() {
    if (this.kind === "convolution") return { size: this.weight.shape[2], step: 1 };
    if (this.kind === "pooling") return { size: 2, step: 2 };
    return null;
  }

  /** The part of the input that a unit sees: `[top, left, height, width]`, or all of it. */
  fieldInInput(unit) {
    let [, top, left] = this.place(unit);
    let size = 1;
    let layer = this;
    for (; layer.kind !== "input"; layer = layer.source) {
      const window = layer.window;
      if (!window) return [0, 0, layer.input.height, layer.input.width];
      [top, left] = [top * window.step, left * window.step];
      size = (size - 1) * window.step + window.size;
    }
    return [top, left, size, size];
  }

  get input() {
    return this.kind === "input" ? this : this.source.input;
  }

  /** The parts of the source that a unit sees: `{map, top, left, height, width}` of each map. */
  fields(unit) {
    if (this.kind === "input" || this.kind === "unknown") return [];
    const [map, row, column] = this.place(unit);
    const { source, window } = this;
    if (!window) {
      const whole = { top: 0, left: 0, height: source.height, width: source.width };
      return Array.from({ length: source.maps }, (_, each) => ({ map: each, ...whole }));
    }
    const field = { top: row * window.step, left: column * window.step, height: window.size, width: window.size };
    const maps = this.kind === "pooling" ? [map] : Array.from({ length: source.maps }, (_, each) => each);
    return maps.map((each) => ({ map: each, ...field }));
  }

  /**
   * What a unit is the sum of: for each field of the source, row by row, the unit it comes from, its
   * value, the weight and their product, all but the first as the numbers are, float32 in float64.
   */
  terms(unit, values) {
    const [map] = this.place(unit);
    let weightAt = 0;
    return this.fields(unit).map((field) => {
      const cells = [];
      for (let y = 0; y < field.height; y++) {
        for (let x = 0; x < field.width; x++) {
          const from = this.source.unit(field.map, field.top + y, field.left + x);
          const weight = this.kind === "pooling" ? 0.25 : this.weight.data[map * this.perUnit + weightAt++];
          cells.push({ from, value: values[from], weight, product: values[from] * weight });
        }
      }
      return { ...field, cells };
    });
  }

  /** Weights of one unit. */
  get perUnit() {
    return this.weight.data.length / this.maps;
  }
}

/** Give the layers of /page/network, each with the one before it. */
export function layersOf({ header, arrays }) {
  const layers = [];
  for (const each of header.layers) layers.push(new Layer(each, arrays, layers.at(-1)));
  return layers;
}
