/**
 * Rendezvous hashing: every member draws a number for every slot, the highest has it. Who joins takes slots only
 * for itself, and who leaves gives away only its own.
 *
 * Keys are divided into a fixed number of slots first, so that a change of members is worked out once and not for
 * each of many keys. How a key becomes a slot and a slot a member is part of the protocol between members: it must
 * not change without another annotation.
 */
export const slotCount = 4096;

/** The members among which the slots are divided, in order. */
export type Ring = readonly string[];

export function ringOf(members: Iterable<string>): Ring {
  return [...new Set(members)].sort((a, b) => (a < b ? -1 : 1));
}

/** 32 bits of FNV-1a over UTF-16, finished so that near texts are far apart. */
export function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193);
  }
  return mix(hash);
}

/** The finalizer of MurmurHash3: every bit of the input moves half the bits of the output. */
function mix(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

export function slotOf(key: string): number {
  return hash32(key) % slotCount;
}

/** By slot, the position in the ring of the member that has it. The ring must not be empty. */
export function ownersOf(ring: Ring): Uint32Array {
  const seeds = ring.map(hash32);
  const owners = new Uint32Array(slotCount);
  for (let slot = 0; slot < slotCount; slot++) {
    const drawn = mix(slot + 1);
    let best = -1;
    for (let i = 0; i < seeds.length; i++) {
      const score = mix((seeds[i] as number) ^ drawn);
      // Of two that draw the same, the first in order.
      if (score > best) {
        best = score;
        owners[slot] = i;
      }
    }
  }
  return owners;
}

/** Which slots a member has in a ring; none when it is not in it. */
export function slotsOf(member: string, ring: Ring): (slot: number) => boolean {
  const position = ring.indexOf(member);
  if (position < 0) return () => false;
  const owners = ownersOf(ring);
  return (slot) => owners[slot] === position;
}
