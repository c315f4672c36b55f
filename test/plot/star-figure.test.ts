import assert from "node:assert/strict";
import test from "node:test";
import { resolveClassEdges } from "../../src/data/classes";
import { KEPLER_GRID, POINTS } from "../../src/data/grid";
import { HEAD_NAMES, type HeadName, PARAMETERS } from "../../src/data/parameters";
import { posteriorFigure, starEchelleFigure, starFigureSvg, starSpectrumFigure, summarizeFigure } from "../../src/plot";
import { reliabilityFigure } from "../../src/plot/reliability-figure";
import type { Calibration } from "../../src/predict/calibrated";
import { type Posterior, posteriorOf } from "../../src/predict/posteriors";
import type { Prediction } from "../../src/predict/predict";
import { Simulator, starOf } from "../../src/simulate";
import { assertClose } from "../assert-close";

const EDGES = resolveClassEdges(HEAD_NAMES);
const PRIOR = new Map(
  [...EDGES].map(([head, edges]) => [head, new Float64Array(edges.length - 1).fill(1 / (edges.length - 1))] as const),
);
const CALIBRATION: Calibration = {
  temperatures: new Map(),
  priorWeights: new Map(),
  prior: PRIOR,
  intervalMasses: new Map(),
  byOversampling: [],
  familiarity: new Map(),
  rows: 1,
};
const STAR = { ...starOf("population", { seed: 12 }), dnu: 10.1, numax: 118, dp: 77, q: 0.12, epp: 0.2, snr: 80 };

/** A posterior about the star's value, a twentieth of the range wide. */
function posteriorAbout(head: HeadName): Posterior {
  const edges = EDGES.get(head)!;
  const width = (edges.at(-1)! - edges[0]!) / 20;
  const logits = Array.from({ length: edges.length - 1 }, (_, k) => -0.5 * ((edges[k]! - STAR[head]) / width) ** 2);
  return posteriorOf(head, logits, edges, { calibration: CALIBRATION });
}

function predictionOf(change: Partial<Prediction> = {}): Prediction {
  return {
    input: "folder/star <1>.txt",
    parameters: Object.fromEntries(HEAD_NAMES.map((head) => [head, posteriorAbout(head)])),
    notes: [],
    detection: { detected: true, reason: "comb of modes about 118 µHz: strength 500" },
    unusual: false,
    classical: { numax: 119.5, dnu: 10.07, strength: 500 },
    ...change,
  };
}

const power = new Float64Array(POINTS);
new Simulator().writeSpectrum(STAR, { seed: 12 }, power);
const options = { prediction: predictionOf(), power, grid: KEPLER_GRID };

test("the page has spectrum, échelle and a panel per parameter, each clipped by itself, and nothing that is no number", () => {
  const svg = starFigureSvg({ ...options, classEdges: EDGES, prior: PRIOR });
  assert.ok(svg.startsWith("<svg ") && svg.includes("star &lt;1&gt;.txt") && !svg.includes("folder/"));
  assert.ok(!/NaN|Infinity|undefined/.test(svg));
  const ids = [...svg.matchAll(/<clipPath id="([^"]+)"/g)].map(([, id]) => id);
  assert.equal(ids.length, 1 + 1 + HEAD_NAMES.length);
  assert.equal(new Set(ids).size, ids.length);
  for (const [, id] of svg.matchAll(/clip-path="url\(#([^)]+)\)"/g)) assert.ok(ids.includes(id!), id);
  assert.ok(!svg.includes("NO DETECTION") && !svg.includes("UNUSUAL"));
  assert.equal(svg, starFigureSvg({ ...options, classEdges: EDGES, prior: PRIOR }), "the same page each time");
});

test("warnings stand on the page", () => {
  const prediction = predictionOf({
    detection: { detected: false, reason: "no comb" },
    unusual: true,
    classical: null,
  });
  const svg = starFigureSvg({ ...options, prediction, classEdges: EDGES });
  assert.ok(svg.includes("NO DETECTION") && svg.includes("UNUSUAL") && svg.includes("no comb"));
});

test("the spectrum shows its smoothed power and where numax is", () => {
  const summary = summarizeFigure(starSpectrumFigure(options));
  assert.match(summary, /smoothed over Δν: 500 points/);
  assert.match(summary, /ν_max, Gaussian fit: 2 points; x Frequency \(µHz\), 119\.5/);
});

test("the échelle marks modes of degree 0, 1 and 2, radial ones a quarter of the way along", () => {
  const { data } = starEchelleFigure(options)!;
  const radial = data.find(({ name }) => name === "ℓ = 0")!;
  assert.ok(radial.x.length >= 5);
  const { dnu, epp } = options.prediction.parameters;
  for (const name of ["ℓ = 1", "ℓ = 2"])
    assert.ok(
      data.some((trace) => trace.name === name),
      name,
    );
  // The curvature of the ridge moves the outer orders by less than a tenth of dnu.
  const places = (radial.x as number[]).map((x) => x / dnu!.median);
  assert.ok(
    places.every((place) => Math.abs(place - 0.25) < 0.15),
    `${places} with epp ${epp!.mean}`,
  );
  const without = predictionOf({ parameters: { dnu: posteriorAbout("dnu") }, classical: null });
  assert.equal(starEchelleFigure({ ...options, prediction: without }), null, "without numax there is nothing to show");
});

test("a posterior's bars are its density, in the colours of its intervals", () => {
  const edges = Float64Array.of(4, 5, 6, 8, 12);
  const posterior = posteriorOf("dnu", [0.1, 0.5, 0.3, 0.1].map(Math.log), edges);
  const figure = posteriorFigure("dnu", posterior, edges, Float64Array.of(0.25, 0.25, 0.25, 0.25));
  const bars = figure.data.filter((trace) => trace.type === "bar");
  const height = new Map(bars.flatMap((trace) => trace.x.map((x, k) => [x, trace.y[k]!] as const)));
  assertClose([height.get(4.5)!, height.get(5.5)!, height.get(7)!, height.get(10)!], [0.2, 1, 0.3, 0.05], {
    rtol: 1e-6,
  });
  assert.deepEqual(bars[2]!.x, [5.5, 7], "68 % from 4.6 to 7.6");
  assert.match(figure.layout.title!.text, /^Δν {2}5\.8 \+1\.8 −1\.0 µHz$|^Δν {2}5\.8 /);
  const flat = posteriorOf("q", new Float64Array(37), PARAMETERS.q.edges, { calibration: CALIBRATION });
  assert.equal(posteriorFigure("q", flat, PARAMETERS.q.edges).layout.title!.text, "q  not identifiable");
});

test("a reliability diagram holds the diagonal, the scatter, before and after", () => {
  const levels = { nominal: [0.25, 0.5, 0.75], observed: [0.2, 0.4, 0.6] };
  const figure = reliabilityFigure("dnu", levels, { before: levels, stars: 100 });
  assert.deepEqual(
    figure.data.map(({ name }) => name),
    ["perfect", "scatter of as many stars", "scatter of as many stars", "before", "calibrated"],
  );
  // Two standard errors of a share of one half among 100: 0.1.
  assertClose(figure.data[2]!.y[20] as number, 0.6, { rtol: 1e-9 });
});
