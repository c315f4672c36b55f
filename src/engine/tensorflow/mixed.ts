/**
 * The products of mixed precision (Micikevicius et al. 2018, arXiv:1710.03740), in bfloat16: float32's range with 8 bits
 * of significand, so that gradients need no scaling of the loss (Kalamkar et al. 2019, arXiv:1905.12322). Operands are
 * rounded, the op adds up in float32, its result is rounded again. What goes in and comes out is float32: tfjs has no
 * bfloat16, which lives in the binding's handles only.
 *
 * B batch, L length, C channels, K taps, I inputs, O outputs.
 */

import type { GradFunc, Tensor, Tensor2D, Tensor3D, Tensor4D, TensorInfo } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import {
  type Attribute,
  BACKEND_NAME,
  type Handle,
  Handles,
  type Operand,
  tensorflowBackend,
  typeAttribute,
} from "./backend";

const CONVOLUTION = "AsterolabTensorflowMixedConvolution";
const PRODUCT = "AsterolabTensorflowMixedProduct";

/** Correlation along the length with zeros beyond both ends: x [B, L, Cin], weight [Cout, Cin, K] -> [B, L, Cout]. */
export function convolveMixed(x: Tensor3D, weight: Tensor3D): Tensor3D {
  const filter = tf.expandDims<Tensor4D>(tf.transpose(weight, [2, 1, 0]), 0); // [1, K, Cin, Cout]
  const inputs = { x: tf.expandDims<Tensor4D>(x, 1), filter };
  return tf.squeeze<Tensor3D>(tf.engine().runKernel(CONVOLUTION, inputs) as Tensor4D, [1]);
}

/** x [B, I], weight [O, I] -> x · weightᵀ [B, O]. */
export function multiplyMixed(x: Tensor2D, weight: Tensor2D): Tensor2D {
  return tf.engine().runKernel(PRODUCT, { x, weight }) as Tensor2D;
}

export function defineMixed(): void {
  tf.registerKernel({
    kernelName: CONVOLUTION,
    backendName: BACKEND_NAME,
    kernelFunc: ({ inputs }) => convolution("Conv2D", [inputs.x as TensorInfo, inputs.filter as TensorInfo]),
  });
  const convolutionGradients: GradFunc = (dout, saved) => {
    const [x, filter] = saved as [Tensor, Tensor];
    return {
      x: () => convolution("Conv2DBackpropInput", [x.shape, filter, dout as Tensor]),
      filter: () => convolution("Conv2DBackpropFilter", [x, filter.shape, dout as Tensor]),
    };
  };
  tf.registerGradient({
    kernelName: CONVOLUTION,
    inputsToSave: ["x", "filter"],
    gradFunc: convolutionGradients,
  });
  tf.registerKernel({
    kernelName: PRODUCT,
    backendName: BACKEND_NAME,
    kernelFunc: ({ inputs }) => product(inputs.x as TensorInfo, inputs.weight as TensorInfo, { transposeB: true }),
  });
  const productGradients: GradFunc = (dout, saved) => {
    const [x, weight] = saved as [Tensor, Tensor];
    return {
      x: () => product(dout as Tensor, weight, {}),
      weight: () => product(dout as Tensor, x, { transposeA: true }),
    };
  };
  tf.registerGradient({ kernelName: PRODUCT, inputsToSave: ["x", "weight"], gradFunc: productGradients });
}

/** Conv2D or one of its gradients; shapes among the operands stand for what the op makes. */
function convolution(
  name: "Conv2D" | "Conv2DBackpropInput" | "Conv2DBackpropFilter",
  operands: readonly (TensorInfo | readonly number[])[],
  isFast?: boolean,
): Tensor {
  const { TF_ATTR_INT, TF_ATTR_STRING, TF_ATTR_BOOL } = tensorflowBackend().binding;
  const attributes = [
    { name: "strides", type: TF_ATTR_INT, value: [1, 1, 1, 1] },
    { name: "padding", type: TF_ATTR_STRING, value: "SAME" },
    { name: "data_format", type: TF_ATTR_STRING, value: "NHWC" },
    { name: "use_cudnn_on_gpu", type: TF_ATTR_BOOL, value: true },
    { name: "dilations", type: TF_ATTR_INT, value: [1, 1, 1, 1] },
  ];
  return inBfloat16(name, operands, attributes, isFast);
}

function product(
  a: TensorInfo,
  b: TensorInfo,
  { transposeA = false, transposeB = false }: { readonly transposeA?: boolean; readonly transposeB?: boolean },
): Tensor {
  const { TF_ATTR_BOOL } = tensorflowBackend().binding;
  return inBfloat16(
    "MatMul",
    [a, b],
    [
      { name: "transpose_a", type: TF_ATTR_BOOL, value: transposeA },
      { name: "transpose_b", type: TF_ATTR_BOOL, value: transposeB },
    ],
  );
}

function inBfloat16(
  name: string,
  operands: readonly (TensorInfo | readonly number[])[],
  attributes: readonly Attribute[],
  isFast = addsUpInFloat32(),
): Tensor {
  return Handles.within((handles) =>
    tf.tidy(() => {
      const rounded = (value: Operand): Operand => handles.cast(value, "float32", "bfloat16");
      const widened = (value: Operand): Handle => {
        const wide = handles.cast(value, "bfloat16", "float32");
        handles.free(value);
        return wide;
      };
      const inputs = operands.map((operand): Operand => {
        if (isShape(operand)) return handles.of(tf.tensor1d([...operand], "int32"));
        const input = rounded(handles.of(operand));
        return isFast ? input : widened(input);
      });
      const type = typeAttribute("T", isFast ? "bfloat16" : "float32");
      const result = handles.run(name, [type, ...attributes], inputs);
      for (const input of inputs) handles.free(input);
      return handles.toTensor(widened(isFast ? result : rounded(result)));
    }),
  );
}

let isAddingUp: boolean | null = null;

/**
 * Whether TensorFlow adds up products of bfloat16 in float32. GPUs do, and oneDNN with AVX-512; its other kernels for the
 * CPU add up in bfloat16, where a long sum stops growing. There the products are float32's, of rounded operands.
 */
function addsUpInFloat32(): boolean {
  if (tensorflowBackend().isUsingGpuDevice) return true;
  isAddingUp ??= tf.tidy(() => {
    const many = 2 ** 16;
    const ones = tf.ones([1, 1, many, 1]);
    const sum = convolution("Conv2DBackpropFilter", [ones, [1, 1, 1, 1], ones], true);
    return sum.dataSync()[0] === many;
  });
  return isAddingUp;
}

function isShape(operand: TensorInfo | readonly number[]): operand is readonly number[] {
  return Array.isArray(operand);
}
