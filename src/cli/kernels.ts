/** The command `kernels`: puts our Jupyter kernels where Jupyter looks, and shows which it finds. */

import { Command } from "commander";
import { CliError } from "../errors";
import { type InstallPlace, installKernels } from "../notebook/install-kernels";
import { findKernelSpec, listKernelNames } from "../notebook/kernelspecs";

interface InstallFlags {
  readonly user?: boolean;
  readonly sysPrefix?: boolean;
  readonly prefix?: string;
}

export function kernelsCommand(): Command {
  const install = new Command("install")
    .description("make our kernels known to Jupyter")
    .option("--user", "for this user (the default)")
    .option("--sys-prefix", "for the active virtual or conda environment")
    .option("--prefix <folder>", "below this folder, in share/jupyter/kernels")
    .action(async (flags: InstallFlags) => {
      for (const folder of await installKernels(placeOf(flags))) process.stdout.write(`${folder}\n`);
    });
  const list = new Command("list")
    .description("show the kernels that Jupyter tools find, first hit first")
    .option("--json", "print one JSON document")
    .action(({ json }: { json?: boolean }) => {
      const specs = [...listKernelNames()].map(([name, folder]) => ({ name, folder, ...titleOf(name) }));
      if (json) process.stdout.write(`${JSON.stringify(specs, null, 2)}\n`);
      for (const { name, displayName, folder } of json ? [] : specs) {
        process.stdout.write(`${name.padEnd(18)} ${displayName.padEnd(28)} ${folder}\n`);
      }
    });
  return new Command("kernels").addCommand(install).addCommand(list);
}

function placeOf(flags: InstallFlags): InstallPlace {
  const given = [flags.user && "--user", flags.sysPrefix && "--sys-prefix", flags.prefix && "--prefix"].filter(Boolean);
  if (given.length > 1) throw new CliError(`kernels install takes one place, got ${given.join(" and ")}`);
  if (flags.prefix !== undefined) return { kind: "prefix", prefix: flags.prefix };
  return { kind: flags.sysPrefix ? "sys-prefix" : "user" };
}

/** What a kernel calls itself; a broken one is listed with what is wrong with it. */
function titleOf(name: string): { displayName: string; language: string } {
  try {
    const { displayName, language } = findKernelSpec(name);
    return { displayName, language };
  } catch (error) {
    return { displayName: (error as Error).message, language: "" };
  }
}
