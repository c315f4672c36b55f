import test from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import { selectEngine } from "../../src/engine";
import { batchLoss } from "../../src/model/loss";
import { assertClose } from "../assert-close";

// torch 2.13: t, v, log variances as below; sum over heads of mse_loss(v[:, k], t[:, k]) and of
// gaussian_nll_loss(v[:, k], t[:, k], exp(lv[:, k]), eps=1e-6), with torch.autograd.grad.
const TARGETS = [0.1, 0.9, 0.4, 0.2, 1, 0];
const VALUES = [0.2, 0.7, 0.1, 0.25, 0.8, 0.3];
const LOG_VARIANCES = [-1, 0.5, -3, 0, 0.3, -2];

const columns = (flat: tf.Tensor2D) => tf.split(flat, 2, 1) as tf.Tensor2D[];
const matrix = (values: readonly number[]) => tf.tensor2d([...values], [3, 2]);

test("mean_squared_error gives PyTorch's loss and gradient", async () => {
  await selectEngine("cpu");
  const targets = matrix(TARGETS);
  const { value, grad } = tf.valueAndGrad((v) => batchLoss("mean_squared_error", columns(v as tf.Tensor2D), targets))(
    matrix(VALUES),
  );
  assertClose(value.dataSync(), [0.09083333611488342], { rtol: 1e-6 });
  const expected = [0.0666666701, -0.1333333254, -0.2000000179, 0.0333333313, -0.1333333254, 0.2000000179];
  assertClose(grad.dataSync(), expected, { rtol: 1e-5 });
});

test("gaussian_nll gives PyTorch's loss and gradients", async () => {
  await selectEngine("cpu");
  const targets = matrix(TARGETS);
  const { value, grads } = tf.valueAndGrads((v, lv) => {
    const means = columns(v as tf.Tensor2D);
    const logVariances = columns(lv as tf.Tensor2D);
    const outputs = means.map((mean, head) => tf.concat([mean, logVariances[head]!], 1));
    return batchLoss("gaussian_nll", outputs, targets);
  })([matrix(VALUES), matrix(LOG_VARIANCES)]);
  assertClose(value.dataSync(), [-0.44061827659606934], { rtol: 1e-5 });
  const ofMeans = [0.090609394, -0.0404353775, -2.0085539818, 0.0166666657, -0.0493878797, 0.7389056683];
  const ofLogVariances = [0.1621361971, 0.1626231372, -0.1346164346, 0.1662500054, 0.1617278904, 0.0558308251];
  assertClose(grads[0]!.dataSync(), ofMeans, { rtol: 1e-5 });
  assertClose(grads[1]!.dataSync(), ofLogVariances, { rtol: 1e-5 });
});

test("gaussian_nll holds tiny variances at 1e-6, as PyTorch does", async () => {
  await selectEngine("cpu");
  const output = tf.tensor2d([[0.1, -20]]);
  const loss = batchLoss("gaussian_nll", [output], tf.tensor2d([[0.4]]));
  assertClose(loss.dataSync(), [44993.09375], { rtol: 1e-5 }); // torch: gaussian_nll_loss(0.1, 0.4, exp(-20))
});

test("sparse_categorical_crossentropy sums the heads", async () => {
  await selectEngine("cpu");
  const head = tf.tensor2d([[0.5, -1, 2, 0.25]]);
  const loss = batchLoss("sparse_categorical_crossentropy", [head, head], tf.tensor2d([[1, 1]], [1, 2], "int32"));
  assertClose(loss.dataSync(), [2 * 3.3692789984482534], { rtol: 1e-6 }); // torch: cross_entropy of each
});
