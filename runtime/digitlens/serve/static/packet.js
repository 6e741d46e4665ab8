// Takes apart what digitlens.serve.packet puts together.

const TYPES = { uint8: Uint8Array, float32: Float32Array };

/**
 * @param {ArrayBuffer} buffer
 * @returns {{header: object, arrays: Object<string, {data: Uint8Array | Float32Array, shape: number[]}>}}
 */
export function unpack(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const arrays = {};
  for (const { name, dtype, shape, offset } of header.arrays) {
    const count = shape.reduce((product, size) => product * size, 1);
    arrays[name] = { data: new TYPES[dtype](buffer, 4 + length + offset, count), shape };
  }
  return { header, arrays };
}
