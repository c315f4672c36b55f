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
import { type Attribute, BACKEND_NAME, Handles, type Operand, tensorflowBackend, typeAttribute } from "./backend";

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
): Tensor {
  const { TF_ATTR_INT, TF_ATTR_STRING, TF_ATTR_BOOL } = tensorflowBackend().binding;
  return inBfloat16(name, operands, [
    { name: "strides", type: TF_ATTR_INT, value: [1, 1, 1, 1] },
    { name: "padding", type: TF_ATTR_STRING, value: "SAME" },
    { name: "data_format", type: TF_ATTR_STRING, value: "NHWC" },
    { name: "use_cudnn_on_gpu", type: TF_ATTR_BOOL, value: true },
    { name: "dilations", type: TF_ATTR_INT, value: [1, 1, 1, 1] },
  ]);
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
): Tensor {
  return Handles.within((handles) =>
    tf.tidy(() => {
      const inputs = operands.map((operand): Operand => {
        if (isShape(operand)) return handles.of(tf.tensor1d([...operand], "int32"));
        return handles.cast(handles.of(operand), "float32", "bfloat16");
      });
      const result = handles.run(name, [typeAttribute("T", "bfloat16"), ...attributes], inputs);
      for (const input of inputs) handles.free(input);
      return handles.toTensor(handles.cast(result, "bfloat16", "float32"));
    }),
  );
}

function isShape(operand: TensorInfo | readonly number[]): operand is readonly number[] {
  return Array.isArray(operand);
}
