/** `asterolab convert`: weights between PyTorch, safetensors and a tfjs model for browsers. */

import { Command } from "commander";
import { convert } from "../convert";

/** The command `convert`. */
export function convertCommand(): Command {
  return new Command("convert")
    .description(
      "Converts weights between .pth (PyTorch), .safetensors, and a tfjs model.json that tf.loadGraphModel runs in a browser.",
    )
    .argument("<in>", "a .pth, .safetensors or model.json file")
    .argument("<out>", "the file to write; its name's end says the format")
    .action(async (from: string, to: string) => {
      const { paths, parameterCount } = await convert(from, to);
      process.stderr.write(`${parameterCount} parameters from "${from}"\n`);
      for (const path of paths) process.stdout.write(`${path}\n`);
    });
}
