/** Arrays as they cross the wire: one buffer, and a directory [name, type, offset, length] of what lies where. */

const TYPES = { i1: Int8Array, u1: Uint8Array, u2: Uint16Array, i4: Int32Array, u4: Uint32Array };

/**
 * The arrays of a message, by name. Offsets are multiples of 4; the bytes are copied once, so that no array keeps a
 * whole websocket frame alive or lies at an odd address.
 * @param {Array<[string, string, number, number]>} directory
 * @param {DataView|undefined} view
 * @returns {Object<string, any>}
 */
export function unpack(directory, view) {
  const bytes = view ? view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength) : new ArrayBuffer(0);
  const arrays = {};
  for (const [name, type, offset, length] of directory) {
    const Type = TYPES[type];
    if (!Type) throw new TypeError(`unknown array type ${type} of ${name}`);
    arrays[name] = new Type(bytes, offset, length);
  }
  return arrays;
}

/** A typed array that grows at its end and can be cut. */
export class Column {
  constructor(Type, room = 256) {
    this.Type = Type;
    this.data = new Type(room);
    this.length = 0;
  }

  /** Make room for `length` entries in all, keeping what is there. */
  reserve(length) {
    if (length <= this.data.length) return;
    const grown = new this.Type(Math.max(length, 2 * this.data.length));
    grown.set(this.data.subarray(0, this.length));
    this.data = grown;
  }

  push(value) {
    this.reserve(this.length + 1);
    this.data[this.length++] = value;
  }

  /** Append an array, each entry raised by `add` (to turn offsets of a chunk into offsets of the whole). */
  append(array, add = 0) {
    const start = this.length;
    this.reserve(start + array.length);
    if (add) for (let i = 0; i < array.length; i++) this.data[start + i] = array[i] + add;
    else this.data.set(array, start);
    this.length = start + array.length;
  }

  cut(length) {
    this.length = Math.min(this.length, length);
  }
}
