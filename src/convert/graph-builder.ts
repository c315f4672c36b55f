/**
 * Builds a tfjs graph: TensorFlow's `NodeDef`s as JSON, and the constants they refer to.
 *
 * Source: tensorflow/core/framework/node_def.proto, and tfjs-converter `src/data/compiled_api.ts` for its JSON form.
 */

/** Names a node's output: `relu`, or `split:1` for the second of several. */
export type Edge = string;

/** An attribute of a node in protobuf's JSON form. */
export type Attribute = Readonly<Record<string, unknown>>;

export interface GraphNode {
  readonly name: string;
  readonly op: string;
  readonly input: readonly Edge[];
  readonly attr: Readonly<Record<string, Attribute>>;
}

export interface GraphConstant {
  readonly name: string;
  readonly dtype: "float32" | "int32";
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

const FLOAT: Attribute = { type: "DT_FLOAT" };
const INT: Attribute = { type: "DT_INT32" };

export class GraphBuilder {
  readonly nodes: GraphNode[] = [];
  /** In the order in which their bytes are to be stored. */
  readonly constants: GraphConstant[] = [];
  private readonly names = new Set<string>();

  /**
   * Appends a node; its name is `name`, or `name_1`, `name_2`, ... when that is taken.
   *
   * @returns its first output.
   */
  add(op: string, name: string, input: readonly Edge[], attr: Readonly<Record<string, Attribute>> = {}): Edge {
    let unique = name;
    for (let count = 1; this.names.has(unique); count++) unique = `${name}_${count}`;
    this.names.add(unique);
    this.nodes.push({ name: unique, op, input, attr: { T: FLOAT, ...attr } });
    return unique;
  }

  /** The input of the graph: float32, of any number of rows. */
  placeholder(name: string, rowShape: readonly number[]): Edge {
    return this.add("Placeholder", name, [], { dtype: FLOAT, shape: { shape: shapeOf([-1, ...rowShape]) } });
  }

  /** A float32 constant. */
  floats(name: string, shape: readonly number[], data: Float32Array): Edge {
    return this.constant({ name, dtype: "float32", shape, data });
  }

  /** An int32 constant; those of one name are made once. */
  integers(name: string, values: readonly number[], shape: readonly number[] = [values.length]): Edge {
    if (this.names.has(name)) return name;
    return this.constant({ name, dtype: "int32", shape, data: Int32Array.from(values) });
  }

  /** Reshapes to a number of rows that follows from the input, each of `rowShape`. */
  reshape(name: string, x: Edge, rowShape: readonly number[]): Edge {
    const shape = this.integers(`graph/rows_of_${rowShape.join("x")}`, [-1, ...rowShape]);
    return this.add("Reshape", name, [x, shape], { Tshape: INT });
  }

  /** x · weightᵀ. */
  product(name: string, x: Edge, weight: Edge): Edge {
    return this.add("MatMul", name, [x, weight], { transpose_a: { b: false }, transpose_b: { b: true } });
  }

  private constant(constant: GraphConstant): Edge {
    const type = constant.dtype === "int32" ? INT : FLOAT;
    const value = { tensor: { dtype: type.type, tensorShape: shapeOf(constant.shape) } };
    this.names.add(constant.name);
    this.nodes.push({ name: constant.name, op: "Const", input: [], attr: { dtype: type, value } });
    this.constants.push(constant);
    return constant.name;
  }
}

/** A list of integers as an attribute. */
export function integerList(values: readonly number[]): Attribute {
  return { list: { i: values.map(String) } };
}

/** A text as an attribute: protobuf's JSON writes bytes in base 64. */
export function text(value: string): Attribute {
  return { s: Buffer.from(value).toString("base64") };
}

/** A `TensorShapeProto`; -1 is an unknown size. */
export function shapeOf(sizes: readonly number[]): { dim: { size: string }[] } {
  return { dim: sizes.map((size) => ({ size: String(size) })) };
}
