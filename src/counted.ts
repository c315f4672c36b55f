/** Numbers of things in messages. */

/** `1 rank`, `2 ranks`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
