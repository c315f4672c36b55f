/**
 * Seeded pseudo-random numbers, the same on every machine: xoshiro128** (Blackman & Vigna 2021, ACM TOMS 47, 36),
 * seeded through a 32-bit mixer, so that (seed, stream ids) names an independent sequence.
 */

/** The four 32-bit words of a generator; enough to continue its sequence exactly. */
export type RandomState = readonly [number, number, number, number];

/** Mixes 32-bit words into one (finaliser of MurmurHash3); equal inputs give equal outputs on every platform. */
export function hash32(...words: readonly number[]): number {
  let hash = 0x9e3779b9;
  for (const word of words) {
    hash = mix32(Math.imul(hash, 0x85ebca6b) ^ (word >>> 0));
    // Seeds beyond 32 bits keep their upper half.
    const upper = Math.floor(Math.abs(word) / 2 ** 32);
    if (upper > 0) hash = mix32(hash ^ upper);
  }
  return hash >>> 0;
}

/** Scrambles one 32-bit word (MurmurHash3 finaliser): every input bit changes half of the output bits on average. */
export function mix32(value: number): number {
  let word = value ^ (value >>> 16);
  word = Math.imul(word, 0x85ebca6b);
  word ^= word >>> 13;
  word = Math.imul(word, 0xc2b2ae35);
  return (word ^ (word >>> 16)) >>> 0;
}

/** A seeded generator. `new Random(seed, star, purpose)` gives every star and purpose its own sequence. */
export class Random {
  private a: number;
  private b: number;
  private c: number;
  private d: number;

  constructor(seed: number, ...stream: readonly number[]) {
    this.a = hash32(seed, 1, ...stream);
    this.b = hash32(seed, 2, ...stream);
    this.c = hash32(seed, 3, ...stream);
    this.d = hash32(seed, 4, ...stream) | 1; // never all zero
  }

  /** The generator that continues a stored sequence. */
  static fromState(state: RandomState): Random {
    const random = new Random(0);
    [random.a, random.b, random.c, random.d] = state;
    return random;
  }

  get state(): RandomState {
    return [this.a, this.b, this.c, this.d];
  }

  /** A uniform integer in [0, 2^32). */
  uint32(): number {
    const b = this.b;
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = b << 9;
    this.c ^= this.a;
    this.d ^= b;
    this.b = b ^ this.c;
    this.a ^= this.d;
    this.c ^= shifted;
    this.d = (this.d << 11) | (this.d >>> 21);
    return result;
  }

  /** A uniform float64 in (0, 1), 52 random bits, never 0 or 1. */
  uniform(): number {
    const high = this.uint32() >>> 6;
    const low = this.uint32() >>> 6;
    return (high * 2 ** 26 + low + 0.5) * 2 ** -52;
  }

  /** A uniform float64 in [minimum, maximum). */
  between(minimum: number, maximum: number): number {
    return minimum + (maximum - minimum) * this.uniform();
  }

  /** A uniform integer in [0, count). */
  integer(count: number): number {
    return Math.floor(this.uniform() * count);
  }

  /** A standard normal deviate (Box & Muller 1958, one of the pair). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  /** The integers 0 .. count - 1 in random order (Fisher-Yates). */
  permutation(count: number): Uint32Array {
    const order = Uint32Array.from({ length: count }, (_, index) => index);
    for (let last = count - 1; last > 0; last--) {
      const other = this.integer(last + 1);
      const kept = order[last]!;
      order[last] = order[other]!;
      order[other] = kept;
    }
    return order;
  }
}
