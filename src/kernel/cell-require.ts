/** The `require` of cells: local files as compiled with the cell, packages from the notebook's folder, then from ours. */

import Module, { createRequire } from "node:module";
import { dirname, isAbsolute, join } from "node:path";
import { errorCode } from "../files";
import { projectRoot } from "../version";
import type { DisplayContent } from "./channel";

export interface CellRequire {
  readonly require: (id: string) => unknown;
  /** Takes new or changed files in; the next import runs them. */
  update(files: readonly { readonly path: string; readonly data: string }[]): void;
}

type Load = (id: string) => unknown;

export function createCellRequire(
  folder: string,
  display: (content: DisplayContent, isUpdate: boolean) => void,
): CellRequire {
  const sources = new Map<string, string>();
  const modules = new Map<string, Module>();
  const fromProject = createRequire(join(projectRoot, "cell.js"));

  function requireFrom(place: string, load: Load): Load {
    return (id) => {
      if (id === "tslab") return requireTslab(display);
      const local = id.startsWith(".") || isAbsolute(id) ? localFile(isAbsolute(id) ? id : join(place, id)) : undefined;
      if (local !== undefined) return loadLocal(local);
      try {
        return load(id);
      } catch (error) {
        // Missing is only what was asked for here: a package's own missing parts are its error.
        const isMissing = errorCode(error) === "MODULE_NOT_FOUND" && (error as Error).message.includes(`'${id}'`);
        if (!isMissing || id.startsWith(".")) throw error;
        return fromProject(id);
      }
    };
  }

  function localFile(path: string): string | undefined {
    const bare = path.replace(/\.[jt]sx?$/, "");
    return [`${bare}.js`, `${path}.js`, join(path, "index.js")].find((file) => sources.has(file));
  }

  function loadLocal(path: string): unknown {
    const loaded = modules.get(path);
    if (loaded !== undefined) return loaded.exports;
    const module = new Module(path, undefined);
    const internals = module as unknown as { paths: string[]; _compile(code: string, path: string): void };
    module.filename = path;
    internals.paths = (Module as unknown as { _nodeModulePaths(from: string): string[] })._nodeModulePaths(
      dirname(path),
    );
    module.require = requireFrom(dirname(path), module.require.bind(module)) as NodeJS.Require;
    modules.set(path, module); // before it runs: files may import each other
    try {
      internals._compile(sources.get(path)!, path);
    } catch (error) {
      modules.delete(path);
      throw error;
    }
    return module.exports;
  }

  return {
    require: requireFrom(folder, createRequire(join(folder, "cell.js"))),
    update(files) {
      for (const { path, data } of files) {
        sources.set(path, data);
        modules.delete(path);
      }
    },
  };
}

/** tslab's display functions, writing to this kernel. */
function requireTslab(display: (content: DisplayContent, isUpdate: boolean) => void): unknown {
  (require("tslab/dist/jupyter") as { lastWriteDisplayData: typeof display }).lastWriteDisplayData = display;
  return require("tslab");
}
