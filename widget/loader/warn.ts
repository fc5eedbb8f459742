/** For whoever builds the page: one line in plain words, on the console and nowhere else. */
export function warn(words: string): void {
  // biome-ignore lint/suspicious/noConsole: there is no other place where they would look.
  console.warn(`[Parley] ${words}`)
}
