import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after } from "node:test";
import { CommanderError } from "commander";
import { simulateCommand } from "../../src/cli/simulate";
import { CliError } from "../../src/errors";

const root = mkdtempSync(join(tmpdir(), "asterolab-cli-simulate-"));
const program = join(__dirname, "..", "..", "bin", "asterolab.js");
after(() => rmSync(root, { recursive: true, force: true }));

function simulate(...flags: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [program, "simulate", ...flags], { encoding: "utf8" });
}

const SMALL = ["--shards", "1", "--validation-shards", "0", "--spectra", "3", "--seed", "5", "--workers", "1"];

test("simulate writes shards, progress to stderr and one JSON document to stdout", () => {
  const out = join(root, "json");
  const { status, stdout, stderr } = simulate("--out", out, ...SMALL, "--prior", "flat", "--json");
  assert.equal(status, 0, stderr);
  assert.match(stderr, /simulate: 3\/3/);
  const document = JSON.parse(stdout);
  assert.deepEqual(
    [
      document.out,
      document.seed,
      document.prior,
      document.shards_written,
      document.shards_kept,
      document.spectra_written,
    ],
    [out, 5, "flat", 1, 0, 3],
  );
  assert.match(document.shards[0].sha256, /^[0-9a-f]{64}$/);
  assert.ok(document.seconds > 0 && document.spectra_per_s > 0);
  assert.deepEqual(readdirSync(out).sort(), ["data_000.npy", "dataset.json"]);

  const again = simulate("--out", out, ...SMALL, "--prior", "flat");
  assert.equal(again.status, 0, again.stderr);
  assert.equal(again.stdout, `0 shards written, 1 kept\n${out}\n`);
});

const BAD_FLAGS: readonly [readonly string[], RegExp][] = [
  [["--spectra", "1.5"], /--spectra must be an integer of at least 1, got "1.5"/],
  [["--spectra", "0"], /--spectra must be an integer of at least 1, got "0"/],
  [["--shards", "many"], /--shards must be an integer of at least 0, got "many"/],
  [["--validation-shards", "-1"], /--validation-shards must be an integer of at least 0, got "-1"/],
  [["--seed", "99999999999999999999"], /--seed must be an integer of at least 0, got "99999999999999999999"/],
  [["--first-shard", "0x3"], /--first-shard must be an integer of at least 0, got "0x3"/],
  [["--workers", "0"], /--workers must be an integer of at least 1, got "0"/],
  [["--days", "27:90:1470"], /--days must be a number of days, or two as shortest:longest, got "27:90:1470"/],
  [["--days", "90:27"], /--days must be a number of days, or two as shortest:longest, got "90:27"/],
  [["--days", "month"], /--days must be a number of days, or two as shortest:longest, got "month"/],
  [["--gaps", "1.5"], /--gaps must be a number from 0 to 1, got "1.5"/],
  [["--prior", "uniform"], /'uniform' is invalid. Allowed choices are population, flat, reference/],
  [["--shards", "0", "--validation-shards", "0"], /--shards or --validation-shards must be at least 1/],
  [["--spectrum", "3"], /unknown option '--spectrum'/],
];

for (const [flags, message] of BAD_FLAGS) {
  test(`${flags.join(" ")} is refused before anything is written`, async () => {
    const command = simulateCommand()
      .exitOverride()
      .configureOutput({ writeErr: () => {} });
    const parsing = command.parseAsync(["--out", join(root, "never"), ...flags], { from: "user" });
    await assert.rejects(parsing, (error: Error) => {
      assert.ok(error instanceof CliError || error instanceof CommanderError, error.stack);
      assert.match(error.message, message);
      return true;
    });
    assert.ok(!readdirSync(root).includes("never"));
  });
}

test("a flag that is out of range ends in one line and exit code 2", () => {
  const { status, stdout, stderr } = simulate("--out", join(root, "never"), "--workers", "0");
  assert.deepEqual([status, stdout], [2, ""]);
  assert.equal(stderr, 'asterolab: --workers must be an integer of at least 1, got "0"\n');
});

test("without --out the request is wrong", () => {
  const { status, stderr } = simulate();
  assert.equal(status, 2);
  assert.match(stderr, /required option '--out <dir>' not specified/);
});

test("a full disk ends in one line and exit code 1, with nothing half-written", () => {
  const out = join(root, "full");
  // A limit on the size of files stands in for the end of the disk: the same call fails at the same place.
  const command = `ulimit -f 500; exec "${process.execPath}" "${program}" simulate --out "${out}" --shards 1 --spectra 20 --workers 1`;
  const { status, stderr } = spawnSync("bash", ["-c", command], { encoding: "utf8" });
  assert.equal(status, 1, stderr);
  const lines = stderr
    .trim()
    .split("\n")
    .filter((line) => !line.startsWith("simulate: "));
  assert.equal(lines.length, 1, stderr);
  assert.match(
    lines[0]!,
    /^asterolab: Cannot write ".*data_000.npy": the file would exceed the largest size allowed here$/,
  );
  assert.deepEqual(readdirSync(out), []);
});

test("a read-only folder ends in one line and exit code 1", {
  skip: process.getuid?.() === 0 && "root writes anywhere",
}, () => {
  const out = join(root, "read-only");
  mkdirSync(out);
  chmodSync(out, 0o555);
  const { status, stderr } = simulate("--out", out, ...SMALL);
  assert.equal(status, 1);
  assert.match(stderr, /Cannot write ".*read-only.*": permission denied/);
});
