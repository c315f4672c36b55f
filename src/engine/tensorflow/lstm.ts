/**
 * The LSTM on TensorFlow: the whole sequence as one op, BlockLSTMV2, and backward as one, BlockLSTMGradV2. Its columns are
 * PyTorch's gate rows: input, forget, cell, output. B batch, T steps, I inputs, H hidden units.
 */

import type { GradFunc, Tensor, Tensor2D, Tensor3D, TensorInfo } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import type { LstmParameters } from "../ops";
import { BACKEND_NAME, int64Scalar, tensorflowBackend, typeAttribute } from "./backend";

const LSTM = "AsterolabTensorflowLstm";
/** i, cs, f, o, ci, co, h: each [T, B, H]. */
const OUTPUTS = 7;
const CELLS = 1;
const HIDDEN = 6;

/** @param x [B, T, I]; returns the hidden states [B, T, H] */
export function lstm(x: Tensor3D, parameters: LstmParameters): Tensor3D {
  return tf.tidy(() => {
    const weight = tf.transpose(tf.concat([parameters.weightIh, parameters.weightHh], 1)); // [I + H, 4H]
    const inputs = {
      x: tf.transpose(x, [1, 0, 2]), // [T, B, I]
      weight,
      bias: tf.add<Tensor>(parameters.biasIh, parameters.biasHh), // [4H]
    };
    const outputs = tf.engine().runKernel(LSTM, inputs) as Tensor[];
    return tf.transpose(outputs[HIDDEN]!, [1, 0, 2]) as Tensor3D;
  });
}

export function defineLstm(): void {
  tf.registerKernel({
    kernelName: LSTM,
    backendName: BACKEND_NAME,
    kernelFunc: ({ inputs }) => forward(inputs.x as TensorInfo, inputs.weight as TensorInfo, inputs.bias as TensorInfo),
  });
  // One op makes all gradients: it runs here, not in the functions returned, each of which would dispose the others'.
  const gradFunc: GradFunc = (douts, saved) => {
    const [x, weight, bias, ...outputs] = saved as Tensor[];
    const [dcells, dhidden] = [(douts as Tensor[])[CELLS]!, (douts as Tensor[])[HIDDEN]!];
    const zeros = zerosFor(x!.shape, bias!.shape[0]! / 4);
    const operands = [x!, zeros.state, zeros.state, weight!, zeros.peephole, zeros.peephole, zeros.peephole, bias!];
    const gradients = tensorflowBackend().executeMultipleOutputs(
      "BlockLSTMGradV2",
      [typeAttribute("T", "float32"), peepholes()],
      [int64Scalar(x!.shape[0]!), ...operands, ...outputs, dcells, dhidden],
      8,
    );
    const [dx, dcellsBefore, dhiddenBefore, dweight, dinput, dforget, doutput, dbias] = gradients;
    tf.dispose([dcellsBefore!, dhiddenBefore!, dinput!, dforget!, doutput!, zeros.state, zeros.peephole]);
    return { x: () => dx!, weight: () => dweight!, bias: () => dbias! };
  };
  tf.registerGradient({
    kernelName: LSTM,
    inputsToSave: ["x", "weight", "bias"],
    outputsToSave: Array.from({ length: OUTPUTS }, () => true),
    gradFunc,
  });
}

/** @param x [T, B, I], weight [I + H, 4H], bias [4H] */
function forward(x: TensorInfo, weight: TensorInfo, bias: TensorInfo): Tensor[] {
  const backend = tensorflowBackend();
  const zeros = zerosFor(x.shape, bias.shape[0]! / 4);
  const outputs = backend.executeMultipleOutputs(
    "BlockLSTMV2",
    [
      typeAttribute("T", "float32"),
      peepholes(),
      { name: "cell_clip", type: backend.binding.TF_ATTR_FLOAT, value: -1 }, // none
    ],
    [
      int64Scalar(x.shape[0]!),
      x,
      ...[zeros.state, zeros.state, weight],
      ...[zeros.peephole, zeros.peephole, zeros.peephole, bias],
    ],
    OUTPUTS,
  );
  tf.dispose([zeros.state, zeros.peephole]);
  return outputs;
}

function peepholes() {
  return { name: "use_peephole", type: tensorflowBackend().binding.TF_ATTR_BOOL, value: false };
}

/** The state before the first step [B, H], and peephole weights [H] that are not used. */
function zerosFor(x: readonly number[], units: number): { state: Tensor2D; peephole: Tensor } {
  return { state: tf.zeros([x[1]!, units]), peephole: tf.zeros([units]) };
}
