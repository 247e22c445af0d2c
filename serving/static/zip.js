// Reads files out of a ZIP archive (APPNOTE.TXT), one at a time, by its directory.

import { problem } from "./notices.js";

const END = 0x06054b50; // signatures
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
const END_AND_COMMENT = 22 + 0xffff; // bytes at most
const ZIP64 = 0xffffffff; // the offset stands elsewhere
const ENCRYPTED = 1;
const STORED = 0;
const DEFLATED = 8;

const view = async (blob) => new DataView(await blob.arrayBuffer());

/** The files of an archive by their name without folders. Raises a problem if it is none. */
export async function open(file) {
  const tail = await view(file.slice(Math.max(0, file.size - END_AND_COMMENT)));
  let end = tail.byteLength - 22;
  while (end >= 0 && tail.getUint32(end, true) !== END) end -= 1;
  if (end < 0) throw problem("zip.none");
  const [size, offset] = [12, 16].map((place) => tail.getUint32(end + place, true));
  if (offset === ZIP64) throw problem("zip.large");
  const entries = await view(file.slice(offset, offset + size));
  const text = new TextDecoder();
  const names = new Map();
  for (let at = 0; at + 46 <= entries.byteLength && entries.getUint32(at, true) === ENTRY; ) {
    const [flags, method, name, extra, comment] = [8, 10, 28, 30, 32].map((place) => entries.getUint16(at + place, true));
    const [packed, unpacked, local] = [20, 24, 42].map((place) => entries.getUint32(at + place, true));
    const path = text.decode(new Uint8Array(entries.buffer, at + 46, name));
    if (!path.endsWith("/")) names.set(path.split("/").pop(), { flags, method, packed, unpacked, local });
    at += 46 + name + extra + comment;
  }
  return { names, read: (name, most) => read(file, names.get(name), most) };
}

/** The bytes of a file as a Blob; null where they are over `most`, encrypted, packed another way
 *  or damaged. */
async function read(file, { flags, method, packed, unpacked, local }, most) {
  if (Math.max(packed, unpacked) > most || flags & ENCRYPTED || ![STORED, DEFLATED].includes(method)) return null;
  const head = await view(file.slice(local, local + 30));
  if (head.byteLength < 30 || head.getUint32(0, true) !== LOCAL) return null;
  const start = local + 30 + head.getUint16(26, true) + head.getUint16(28, true);
  const bytes = file.slice(start, start + packed);
  if (method === STORED) return bytes;
  const pieces = [];
  let length = 0;
  try {
    const reader = bytes.stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      pieces.push(piece.value);
      length += piece.value.length;
      if (length > unpacked) {
        await reader.cancel(); // it holds more than it says: no more of it is unpacked
        return null;
      }
    }
  } catch {
    return null;
  }
  return new Blob(pieces);
}
