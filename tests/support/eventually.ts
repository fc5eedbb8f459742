/** Asks until the answer is yes; for what happens a moment later by design. */
export async function eventually(
  what: string,
  check: () => Promise<boolean> | boolean,
  withinMs = 10_000,
  /** What there is instead, for whoever reads the failure. */
  instead: () => Promise<string> | string = () => '',
): Promise<void> {
  const until = Date.now() + withinMs
  while (!(await check())) {
    if (Date.now() > until) throw new Error(`not within ${withinMs} ms: ${what} ${await instead()}`.trim())
    await new Promise(resolve => setTimeout(resolve, 25))
  }
}
