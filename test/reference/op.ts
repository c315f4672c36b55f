/** The form of the double-precision references: plain loops, nothing shared with the engines they judge. */

/** Named arrays, row-major. */
export type Arrays = Readonly<Record<string, Float64Array>>;
/** Named shapes. */
export type Shapes = Readonly<Record<string, readonly number[]>>;

/** One op: its output, and the gradients of a loss whose gradient with respect to the output is `dout`. */
export interface Reference {
  forward(inputs: Arrays, shapes: Shapes): Float64Array;
  backward(inputs: Arrays, shapes: Shapes, dout: Float64Array): Arrays;
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
