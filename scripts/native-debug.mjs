// `npm run test:native-debug`: the ops and the addon built with AddressSanitizer and UndefinedBehaviorSanitizer, then the
// native tests, the conformance suite and the addon's tests against them. The first finding ends it.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(fileURLToPath(import.meta.url), "..", "..");
const SUFFIX = "-debug";
const EXTRA = "-O1 -fPIC -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all";
const CXX = process.env.CXX ?? "g++";

if (process.platform !== "linux") {
  console.error(
    `test:native-debug needs Linux, whose loader can put AddressSanitizer before Node; this is ${process.platform}`,
  );
  process.exit(1);
}

const make = ["make", "-C", "native", "-j2", `CXX=${CXX}`, `SUFFIX=${SUFFIX}`, `EXTRA=${EXTRA}`];
run([...make, "addon"]);
run([...make, "test"]);

const runtimes = ["libasan.so", "libubsan.so"].map((name) => {
  const { stdout } = spawnSync(CXX, [`-print-file-name=${name}`], { encoding: "utf8" });
  const path = (stdout ?? "").trim();
  if (!existsSync(path)) {
    console.error(`test:native-debug needs ${name} of ${CXX}; it names ${path || "nothing"}`);
    process.exit(1);
  }
  return path;
});
const tests = [
  "test/conformance/conformance.test.ts",
  "test/conformance/special-values.test.ts",
  "test/engine/addon.test.ts",
  "test/engine/native-backend.test.ts",
  "test/engine/update.test.ts",
];
run([process.execPath, "--require", "ts-node/register", "--test", "--test-concurrency=1", ...tests], {
  ASTEROLAB_ADDON: join(root, ".cache", `ops${SUFFIX}`, "asterolab.node"),
  LD_PRELOAD: runtimes.join(" "),
  // Node frees nothing at its end, and its own buffers are handed over between allocators.
  ASAN_OPTIONS: "detect_leaks=0:alloc_dealloc_mismatch=0:abort_on_error=0",
  UBSAN_OPTIONS: "print_stacktrace=1",
});

function run([command, ...args], env = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: "inherit", env: { ...process.env, ...env } });
  if (status === 0) return;
  console.error(`test:native-debug failed: ${command} ${error ? error.message : `ended with ${status}`}`);
  process.exit(1);
}
