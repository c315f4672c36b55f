/**
 * Memory of the native ops' outputs: blocks in size classes, handed out again once their tensor is gone. A training step
 * asks for the same sizes each time, so after the first step no memory is allocated. Plain array buffers: blocks on huge
 * pages from the addon were no faster in later steps and slower in the first.
 */

/** Memory for one output. `bytes` is its size class, at least what was asked for. */
export interface Block {
  readonly buffer: ArrayBuffer;
  readonly bytes: number;
}

export interface PoolStatistics {
  /** Bytes in live tensors and in what backward needs. */
  readonly bytesInUse: number;
  readonly highestBytesInUse: number;
  /** Bytes waiting to be handed out again. */
  readonly bytesFree: number;
  /** Blocks taken so far, and how many of them were new memory. */
  readonly taken: number;
  readonly allocated: number;
}

/** What waits in the pool is at most half of what was in use at the worst moment. */
const SLACK = 1.5;
/** Classes per factor of two: at most one part in eight of a block is unused. */
const CLASSES_PER_OCTAVE = 8;
const SMALLEST_BYTES = 4096;

export class Pool {
  private readonly free = new Map<number, Block[]>(); // oldest use first
  private bytesInUse = 0;
  private highestBytesInUse = 0;
  private bytesFree = 0;
  private taken = 0;
  private allocated = 0;

  constructor(private readonly allocate = (bytes: number): ArrayBuffer => new ArrayBuffer(bytes)) {}

  /** Memory for at least `bytes`; its contents are whatever was there. */
  take(bytes: number): Block {
    const size = sizeClass(bytes);
    this.taken++;
    this.bytesInUse += size;
    this.highestBytesInUse = Math.max(this.highestBytesInUse, this.bytesInUse);
    const waiting = this.free.get(size)?.pop();
    if (waiting) {
      this.bytesFree -= size;
      return waiting;
    }
    this.trim();
    this.allocated++;
    return { buffer: this.allocate(size), bytes: size };
  }

  /** Takes a block back; nobody may use it any more. */
  giveBack(block: Block): void {
    this.bytesInUse -= block.bytes;
    this.bytesFree += block.bytes;
    const list = this.free.get(block.bytes);
    if (list) {
      // Moved to the end: the class used last is trimmed last.
      this.free.delete(block.bytes);
      this.free.set(block.bytes, list);
      list.push(block);
    } else {
      this.free.set(block.bytes, [block]);
    }
  }

  /** Stops counting a block that somebody outside holds: it must never be handed out again. */
  forget(block: Block): void {
    this.bytesInUse -= block.bytes;
  }

  /** Drops every block that waits. */
  clear(): void {
    this.free.clear();
    this.bytesFree = 0;
  }

  statistics(): PoolStatistics {
    const { bytesInUse, highestBytesInUse, bytesFree, taken, allocated } = this;
    return { bytesInUse, highestBytesInUse, bytesFree, taken, allocated };
  }

  /** Before new memory: drops blocks of sizes that went out of use (another batch size), oldest class first. */
  private trim(): void {
    const limit = SLACK * this.highestBytesInUse - this.bytesInUse;
    for (const [size, list] of this.free) {
      while (this.bytesFree > limit && list.pop()) this.bytesFree -= size;
      if (list.length === 0) this.free.delete(size);
      if (this.bytesFree <= limit) return;
    }
  }
}

function sizeClass(bytes: number): number {
  if (bytes <= SMALLEST_BYTES) return SMALLEST_BYTES;
  const step = 2 ** Math.ceil(Math.log2(bytes)) / (2 * CLASSES_PER_OCTAVE);
  return Math.ceil(bytes / step) * step;
}
