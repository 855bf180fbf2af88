/**
 * MurmurHash3 (x86, 32 bits, seed 0) over a text's UTF-8 bytes. Algorithm: Austin Appleby, smhasher. The walk over the
 * text allocates nothing, and its state after a prefix can be kept: a flag's key is hashed once, not at each request.
 *
 * A lone surrogate counts as U+FFFD, as it does in every UTF-8 encoder.
 */
export interface MurmurState {
  /** The hash of all whole blocks of four bytes. */
  readonly hash: number;
  /** Bytes of the block that is not whole yet, the first one lowest. */
  readonly block: number;
  /** How many bits of the block are there: 0, 8, 16 or 24. */
  readonly bits: number;
  /** Bytes so far. */
  readonly length: number;
}

const EMPTY: MurmurState = { hash: 0, block: 0, bits: 0, length: 0 };

// One walk at a time: nothing here calls out.
let hash = 0;
let block = 0;
let bits = 0;
let length = 0;

/** The state after a text, for `murmurAfter`. */
export function murmurState(text: string, before: MurmurState = EMPTY): MurmurState {
  load(before);
  feed(text);
  return { hash, block, bits, length };
}

/** The hash of what gave the state followed by `text`, as an unsigned 32-bit number. */
export function murmurAfter(state: MurmurState, text: string): number {
  load(state);
  feed(text);
  return finish();
}

/** The hash of what gave the state followed by two texts with a slash between them. */
export function murmurAfterPair(state: MurmurState, first: string, second: string): number {
  // ASCII, which nearly all keys are, in one walk over both with everything in local variables.
  const middle = first.length;
  const end = middle + 1 + second.length;
  let h = state.hash;
  let k = state.block;
  let shift = state.bits;
  for (let index = 0; index < end; index += 1) {
    const unit =
      index < middle ? first.charCodeAt(index) : index === middle ? 0x2f : second.charCodeAt(index - middle - 1);
    if (unit >= 0x80) return murmurAfterWidePair(state, first, second);
    k |= unit << shift;
    shift += 8;
    if (shift === 32) {
      h = mixed(h, k);
      k = 0;
      shift = 0;
    }
  }
  return finished(shift === 0 ? h : h ^ scramble(k), state.length + end);
}

function murmurAfterWidePair(state: MurmurState, first: string, second: string): number {
  load(state);
  feed(first);
  addByte(0x2f);
  feed(second);
  return finish();
}

/** The hash of a text, as an unsigned 32-bit number. */
export function murmur3(text: string): number {
  return murmurAfter(EMPTY, text);
}

function load(state: MurmurState): void {
  hash = state.hash;
  block = state.block;
  bits = state.bits;
  length = state.length;
}

/** One byte more. */
function addByte(byte: number): void {
  length += 1;
  block |= byte << bits;
  bits += 8;
  if (bits === 32) endBlock();
}

function endBlock(): void {
  hash = mixed(hash, block);
  block = 0;
  bits = 0;
}

function feed(text: string): void {
  // ASCII, which nearly all keys are, in local variables: four times as fast as byte by byte.
  let h = hash;
  let k = block;
  let shift = bits;
  let index = 0;
  for (; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit >= 0x80) break;
    k |= unit << shift;
    shift += 8;
    if (shift === 32) {
      h = mixed(h, k);
      k = 0;
      shift = 0;
    }
  }
  hash = h;
  block = k;
  bits = shift;
  length += index;
  if (index < text.length) feedWide(text, index);
}

function feedWide(text: string, start: number): void {
  for (let index = start; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) {
      addByte(unit);
    } else if (unit < 0x800) {
      addByte(0xc0 | (unit >> 6));
      addByte(0x80 | (unit & 0x3f));
    } else if ((unit & 0xf800) !== 0xd800) {
      addThreeBytes(unit);
    } else {
      const next = index + 1 < text.length ? text.charCodeAt(index + 1) : 0;
      if (unit < 0xdc00 && (next & 0xfc00) === 0xdc00) {
        index += 1;
        const point = 0x10000 + ((unit & 0x3ff) << 10) + (next & 0x3ff);
        addByte(0xf0 | (point >> 18));
        addByte(0x80 | ((point >> 12) & 0x3f));
        addByte(0x80 | ((point >> 6) & 0x3f));
        addByte(0x80 | (point & 0x3f));
      } else {
        addThreeBytes(0xfffd);
      }
    }
  }
}

function addThreeBytes(point: number): void {
  addByte(0xe0 | (point >> 12));
  addByte(0x80 | ((point >> 6) & 0x3f));
  addByte(0x80 | (point & 0x3f));
}

function mixed(h: number, k: number): number {
  const folded = h ^ scramble(k);
  return (Math.imul((folded << 13) | (folded >>> 19), 5) + 0xe6546b64) | 0;
}

function scramble(value: number): number {
  const product = Math.imul(value, 0xcc9e2d51);
  return Math.imul((product << 15) | (product >>> 17), 0x1b873593);
}

function finish(): number {
  return finished(bits === 0 ? hash : hash ^ scramble(block), length);
}

function finished(hashed: number, bytes: number): number {
  let result = hashed ^ bytes;
  result ^= result >>> 16;
  result = Math.imul(result, 0x85ebca6b);
  result ^= result >>> 13;
  result = Math.imul(result, 0xc2b2ae35);
  return (result ^ (result >>> 16)) >>> 0;
}
